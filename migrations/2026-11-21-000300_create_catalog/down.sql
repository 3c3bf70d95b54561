drop table components, processes, ticket_types, categories, account_products, products;
