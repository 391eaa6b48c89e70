"""One page as other printers make it: prints for each its name and its CPU seconds a page, warm."""

import io
import time

PAGES = 50
ROWS = [["Acacia honey, 450 g", "1", "89.95", "89.95"]]
SUMS = [["Subtotal", "89.95"], ["VAT 25 %", "22.49"], ["Amount due, DKK", "112.44"]]
SELLER = ["Bikuben Honning ApS", "Lyngvej 7", "8600 Silkeborg", "DK12345674"]
BUYER = ["Café Lindeblomst", "Torvet 3", "8000 Aarhus C", "DK87654370"]
HEAD = ["Description", "Quantity", "Unit price", "Amount"]


def html():
    def row(cells, tag="td"):
        return "<tr>" + "".join(f"<{tag}>{cell}</{tag}>" for cell in cells) + "</tr>"

    return f"""<html lang="en"><head><title>Invoice INV-00001</title><style>
        @page {{ size: A4; margin: 2cm }} body {{ font: 10pt sans-serif }} table {{ width: 100% }}
        td:nth-child(n+2), th:nth-child(n+2) {{ text-align: right }} th {{ border-bottom: 1pt solid }}
        </style></head><body><p>{"<br>".join(SELLER)}</p><p>{"<br>".join(BUYER)}</p>
        <h1>Invoice INV-00001</h1><table>{row(HEAD, "th")}{"".join(map(row, ROWS))}</table>
        <table>{"".join(map(row, SUMS))}</table><p>Payment within 30 days.</p></body></html>"""


def weasyprint_page():
    from weasyprint import HTML
    from weasyprint.text.fonts import FontConfiguration

    fonts = FontConfiguration()
    text = html()
    return lambda: HTML(string=text).write_pdf(font_config=fonts)


def reportlab_page():
    from reportlab.lib.pagesizes import A4
    from reportlab.lib.styles import getSampleStyleSheet
    from reportlab.platypus import Paragraph, SimpleDocTemplate, Spacer, Table

    styles = getSampleStyleSheet()

    def page():
        file = io.BytesIO()
        story = [Paragraph(line, styles["Normal"]) for line in SELLER + BUYER]
        story += [Spacer(1, 20), Paragraph("Invoice INV-00001", styles["Title"])]
        story += [Table([HEAD] + ROWS), Table(SUMS), Paragraph("Payment within 30 days.", styles["Normal"])]
        SimpleDocTemplate(file, pagesize=A4, title="Invoice INV-00001").build(story)
        return file.getvalue()

    return page


for name, make in [("WeasyPrint", weasyprint_page), ("ReportLab", reportlab_page)]:
    try:
        page = make()
    except ImportError:
        continue
    for _ in range(3):
        assert page().startswith(b"%PDF")
    begun = time.process_time()
    for _ in range(PAGES):
        page()
    print(name, (time.process_time() - begun) / PAGES)
