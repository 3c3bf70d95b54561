drop table event_feed, events;
