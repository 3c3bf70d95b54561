drop table agent_departments, agents, contact_accounts, contacts, accounts, departments;
