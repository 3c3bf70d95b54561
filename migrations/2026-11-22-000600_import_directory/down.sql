drop table crm_imports;
drop table crm_records;
