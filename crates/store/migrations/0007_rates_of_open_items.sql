-- The rate of exchange an open item stands at: what settles it at that rate makes no exchange difference.
-- None in the company's currency, over several rates, and of payments made before it was kept.
alter table open_items add column exchange_rate text;

update open_items set exchange_rate = (select d.exchange_rate from documents d
  where d.company_id = open_items.company_id and d.id = open_items.document_id);
