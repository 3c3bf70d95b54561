drop table timers;
drop table hourly_rates;
drop table time_entries;
