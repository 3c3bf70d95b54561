mod crm_suitecrm;
