drop table transitions, statuses, workflows;
