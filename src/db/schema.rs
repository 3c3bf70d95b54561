// @generated automatically by Diesel CLI.

pub mod sql_types {
    #[derive(diesel::query_builder::QueryId, Clone, diesel::sql_types::SqlType)]
    #[diesel(postgres_type(name = "tsvector", schema = "pg_catalog"))]
    pub struct Tsvector;
}

diesel::table! {
    account_products (account_id, product_id) {
        account_id -> Uuid,
        product_id -> Uuid,
    }
}

diesel::table! {
    accounts (id) {
        id -> Uuid,
        name -> Text,
        active -> Bool,
        version -> Int4,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        manager_name -> Nullable<Text>,
        manager_email -> Nullable<Text>,
        surveys -> Bool,
        agreement -> Nullable<Text>,
    }
}

diesel::table! {
    agent_departments (agent_id, department_id) {
        agent_id -> Uuid,
        department_id -> Uuid,
    }
}

diesel::table! {
    agents (id) {
        id -> Uuid,
        name -> Text,
        email -> Text,
        role -> Text,
        permissions -> Array<Text>,
        levels -> Array<Text>,
        product_ids -> Nullable<Array<Uuid>>,
        category_ids -> Nullable<Array<Uuid>>,
        type_keys -> Nullable<Array<Text>>,
        time_zone -> Text,
        working_hours -> Nullable<Jsonb>,
        away -> Bool,
        leave_until -> Nullable<Timestamptz>,
        capacity -> Int4,
        open_tickets -> Int4,
        active -> Bool,
        version -> Int4,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        leaves -> Jsonb,
    }
}

diesel::table! {
    appointments (id) {
        id -> Uuid,
        ticket_id -> Uuid,
        agent_id -> Uuid,
        starts_at -> Timestamptz,
        ends_at -> Timestamptz,
        time_zone -> Text,
        note -> Nullable<Text>,
        remind_minutes -> Nullable<Int4>,
        remind_at -> Nullable<Timestamptz>,
        check_at -> Nullable<Timestamptz>,
        cancelled_at -> Nullable<Timestamptz>,
        made_by -> Uuid,
        made_by_name -> Text,
        version -> Int4,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    assignments (id) {
        id -> Uuid,
        ticket_id -> Uuid,
        agent_id -> Nullable<Uuid>,
        previous_agent_id -> Nullable<Uuid>,
        rule -> Text,
        reason -> Nullable<Text>,
        candidates -> Jsonb,
        decided_by -> Uuid,
        decided_by_name -> Text,
        decided_at -> Timestamptz,
        overridden -> Bool,
    }
}

diesel::table! {
    attachments (id) {
        id -> Uuid,
        ticket_id -> Uuid,
        seq -> Int4,
        visibility -> Text,
        name -> Text,
        url -> Nullable<Text>,
        added_by -> Uuid,
        added_by_role -> Text,
        added_by_name -> Text,
        created_at -> Timestamptz,
        file_id -> Nullable<Uuid>,
    }
}

diesel::table! {
    automatic_deliveries (email, mail_id) {
        email -> Text,
        mail_id -> Uuid,
        delivered_at -> Timestamptz,
    }
}

diesel::table! {
    bulk_items (job_id, seq) {
        job_id -> Uuid,
        seq -> Int4,
        ticket_id -> Uuid,
        status -> Nullable<Int2>,
        version -> Nullable<Int4>,
        code -> Nullable<Text>,
        detail -> Nullable<Text>,
        done_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    bulk_jobs (job_id) {
        job_id -> Uuid,
        operation -> Text,
        body -> Jsonb,
        started_by -> Uuid,
        permissions -> Array<Text>,
    }
}

diesel::table! {
    calendar_feeds (agent_id) {
        agent_id -> Uuid,
        token_hash -> Bytea,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    calendar_versions (calendar_id, version) {
        calendar_id -> Uuid,
        version -> Int4,
        document -> Jsonb,
    }
}

diesel::table! {
    calendars (id) {
        id -> Uuid,
        name -> Text,
        time_zone -> Text,
        week -> Jsonb,
        exceptions -> Jsonb,
        version -> Int4,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    canned_replies (id) {
        id -> Uuid,
        name -> Text,
        audience -> Text,
        owner_id -> Uuid,
        department_id -> Nullable<Uuid>,
        body -> Text,
        version -> Int4,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    categories (id) {
        id -> Uuid,
        name -> Text,
        active -> Bool,
        version -> Int4,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    clients (id) {
        id -> Uuid,
        name -> Text,
        secret_hash -> Text,
        scopes -> Array<Text>,
        active -> Bool,
        version -> Int4,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    components (id) {
        id -> Uuid,
        product_id -> Uuid,
        name -> Text,
        covers -> Text,
        level -> Text,
        department_id -> Uuid,
        process -> Nullable<Text>,
        active -> Bool,
        version -> Int4,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    contact_accounts (contact_id, account_id) {
        contact_id -> Uuid,
        account_id -> Uuid,
    }
}

diesel::table! {
    contacts (id) {
        id -> Uuid,
        name -> Text,
        email -> Text,
        phone -> Nullable<Text>,
        language -> Text,
        time_zone -> Text,
        active -> Bool,
        version -> Int4,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    conversions (ticket_id) {
        ticket_id -> Uuid,
        became -> Text,
        details -> Jsonb,
        converted_by -> Uuid,
        converted_by_name -> Text,
        converted_at -> Timestamptz,
        reference -> Nullable<Text>,
    }
}

diesel::table! {
    crm_changes (connection_id, change_id) {
        connection_id -> Uuid,
        change_id -> Text,
        outcome -> Nullable<Jsonb>,
        received_at -> Timestamptz,
    }
}

diesel::table! {
    crm_conflicts (id) {
        id -> Uuid,
        ticket_id -> Uuid,
        connection_id -> Uuid,
        field -> Text,
        base -> Nullable<Text>,
        desk -> Text,
        crm -> Text,
        winner -> Nullable<Text>,
        policy -> Text,
        reason -> Nullable<Text>,
        losing_value -> Nullable<Text>,
        decision -> Nullable<Text>,
        created_at -> Timestamptz,
        resolved_at -> Nullable<Timestamptz>,
        desk_own -> Nullable<Text>,
        suspected_lost_update -> Bool,
        decided_by -> Nullable<Text>,
        decided_at -> Nullable<Timestamptz>,
        restored_by -> Nullable<Text>,
        restored_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    crm_connections (id) {
        id -> Uuid,
        name -> Text,
        kind -> Text,
        base_url -> Text,
        client_id -> Text,
        sealed_secret -> Bytea,
        settings -> Jsonb,
        state -> Text,
        reason -> Nullable<Text>,
        watermark -> Timestamptz,
        poll_at -> Timestamptz,
        poll_fence -> Int8,
        failures -> Int4,
        not_before -> Nullable<Timestamptz>,
        last_success_at -> Nullable<Timestamptz>,
        version -> Int4,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        feed_cursor -> Nullable<Text>,
        reconciled_at -> Nullable<Timestamptz>,
        findings -> Nullable<Jsonb>,
        suspects -> Array<Uuid>,
        trial_until -> Nullable<Timestamptz>,
        allowed -> Nullable<Int4>,
        slowed_at -> Nullable<Timestamptz>,
        refused -> Bool,
        poll_error -> Nullable<Text>,
        poll_refused_since -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    crm_differences (id) {
        id -> Uuid,
        job_id -> Uuid,
        connection_id -> Uuid,
        ticket_id -> Uuid,
        remote_id -> Nullable<Text>,
        kind -> Text,
        field -> Nullable<Text>,
        note_id -> Nullable<Uuid>,
        remote_note_id -> Nullable<Text>,
        base -> Nullable<Text>,
        desk -> Nullable<Text>,
        crm -> Nullable<Text>,
        action -> Text,
        winner -> Nullable<Text>,
        detail -> Nullable<Text>,
        on_its_way -> Bool,
        repaired_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    crm_hooks (connection_id) {
        connection_id -> Uuid,
        scheme -> Text,
        sealed_secret -> Bytea,
        last_received_at -> Nullable<Timestamptz>,
        version -> Int4,
    }
}

diesel::table! {
    crm_imports (connection_id, kind) {
        connection_id -> Uuid,
        kind -> Text,
        run -> Int8,
        step -> Text,
        position -> Nullable<Text>,
        since -> Nullable<Timestamptz>,
        started_at -> Nullable<Timestamptz>,
        watermark -> Nullable<Timestamptz>,
        whole_at -> Nullable<Timestamptz>,
        error -> Nullable<Text>,
        listed -> Int4,
        created -> Int4,
        updated -> Int4,
        linked -> Int4,
        unmapped -> Int4,
    }
}

diesel::table! {
    crm_inbox (connection_id, hook_id, case_id) {
        connection_id -> Uuid,
        hook_id -> Text,
        case_id -> Text,
        received_at -> Timestamptz,
        taken_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    crm_leads (connection_id, ticket_id) {
        connection_id -> Uuid,
        ticket_id -> Uuid,
        remote_id -> Text,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    crm_links (connection_id, kind, local_id) {
        connection_id -> Uuid,
        kind -> Text,
        local_id -> Uuid,
        remote_id -> Text,
    }
}

diesel::table! {
    crm_mirrors (ticket_id, connection_id) {
        ticket_id -> Uuid,
        connection_id -> Uuid,
        state -> Text,
        remote_id -> Nullable<Text>,
        generation -> Int4,
        dirty_since -> Nullable<Timestamptz>,
        dirty_seq -> Int8,
        full_check -> Bool,
        agreement -> Jsonb,
        sent -> Nullable<Jsonb>,
        last_remote -> Nullable<Jsonb>,
        remote_modified_at -> Nullable<Timestamptz>,
        contact_synced -> Nullable<Uuid>,
        notes_synced_up_to -> Int4,
        attempts -> Int4,
        fence -> Int8,
        leased_until -> Nullable<Timestamptz>,
        next_attempt_at -> Timestamptz,
        last_error -> Nullable<Text>,
        error_class -> Nullable<Text>,
        last_synced_at -> Nullable<Timestamptz>,
        priority -> Int2,
        provenance -> Jsonb,
        failed_at -> Nullable<Timestamptz>,
        redacting -> Bool,
    }
}

diesel::table! {
    crm_note_links (connection_id, note_id) {
        connection_id -> Uuid,
        note_id -> Uuid,
        ticket_id -> Uuid,
        remote_id -> Text,
        direction -> Text,
        altered -> Nullable<Jsonb>,
        gone_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    crm_outcomes (connection_id, minute, outcome, lag_class) {
        connection_id -> Uuid,
        minute -> Timestamptz,
        outcome -> Text,
        lag_class -> Int4,
        count -> Int8,
    }
}

diesel::table! {
    crm_records (connection_id, kind, remote_id) {
        connection_id -> Uuid,
        kind -> Text,
        remote_id -> Text,
        name -> Text,
        email -> Nullable<Text>,
        phone -> Nullable<Text>,
        account_id -> Nullable<Text>,
        active -> Bool,
        listed_in -> Int8,
        gone -> Bool,
        base -> Nullable<Jsonb>,
        changed -> Bool,
        reason -> Nullable<Text>,
        match_key -> Nullable<Text>,
    }
}

diesel::table! {
    crm_redactions (id) {
        id -> Uuid,
        redaction_id -> Uuid,
        connection_id -> Uuid,
        ticket_id -> Uuid,
        what -> Text,
        note_id -> Nullable<Uuid>,
        state -> Text,
        detail -> Nullable<Text>,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    delays (id) {
        id -> Uuid,
        ticket_id -> Uuid,
        agent_id -> Nullable<Uuid>,
        appointment_id -> Nullable<Uuid>,
        due_at -> Timestamptz,
        noticed_at -> Timestamptz,
        told_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    department_mailboxes (department_id) {
        department_id -> Uuid,
        email -> Nullable<Text>,
        language -> Text,
        version -> Int4,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    departments (id) {
        id -> Uuid,
        name -> Text,
        workflow_id -> Uuid,
        is_default -> Bool,
        active -> Bool,
        version -> Int4,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    elevations (id) {
        id -> Uuid,
        ticket_id -> Uuid,
        from_level -> Text,
        to_level -> Text,
        reason -> Text,
        tried -> Text,
        elevated_by -> Uuid,
        elevated_by_name -> Text,
        elevated_at -> Timestamptz,
        kind -> Text,
        routing_version -> Nullable<Int4>,
    }
}

diesel::table! {
    event_feed (singleton) {
        singleton -> Bool,
        last_position -> Int8,
    }
}

diesel::table! {
    events (id) {
        id -> Int8,
        position -> Nullable<Int8>,
        #[sql_name = "type"]
        type_ -> Text,
        ticket_id -> Nullable<Uuid>,
        ticket_version -> Nullable<Int4>,
        subject -> Text,
        public -> Bool,
        actor_id -> Uuid,
        actor_role -> Text,
        actor_name -> Text,
        origin -> Text,
        changes -> Jsonb,
        data -> Jsonb,
        occurred_at -> Timestamptz,
    }
}

diesel::table! {
    export_head (singleton) {
        singleton -> Bool,
        last_position -> Int8,
        feed_position -> Int8,
    }
}

diesel::table! {
    export_marks (ticket_id) {
        ticket_id -> Uuid,
        position -> Int8,
    }
}

diesel::table! {
    export_touches (id) {
        id -> Int8,
        ticket_id -> Uuid,
    }
}

diesel::table! {
    file_parts (id) {
        id -> Uuid,
        file_id -> Nullable<Uuid>,
        start_at -> Nullable<Int8>,
        size -> Nullable<Int8>,
        remove_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    files (id) {
        id -> Uuid,
        owner_id -> Uuid,
        name -> Text,
        media_type -> Text,
        size -> Int8,
        length -> Nullable<Int8>,
        expected_sha256 -> Nullable<Bytea>,
        sha256 -> Nullable<Bytea>,
        hashing -> Nullable<Bytea>,
        fence -> Int4,
        created_at -> Timestamptz,
        expires_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    hourly_rates (id) {
        id -> Uuid,
        account_id -> Nullable<Uuid>,
        per_hour -> Int8,
        currency -> Text,
        valid_from -> Date,
        version -> Int4,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    idempotency_keys (caller_id, key) {
        caller_id -> Uuid,
        key -> Text,
        fingerprint -> Bytea,
        status -> Int2,
        headers -> Jsonb,
        body -> Text,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    inbound_mailboxes (mailbox) {
        mailbox -> Text,
        uid_validity -> Nullable<Int8>,
        last_uid -> Int8,
        leased_until -> Nullable<Timestamptz>,
        fence -> Int8,
        error -> Nullable<Text>,
        error_since -> Nullable<Timestamptz>,
        seen_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    inbound_mails (id) {
        id -> Uuid,
        mailbox -> Text,
        message_key -> Text,
        from_name -> Nullable<Text>,
        from_email -> Nullable<Text>,
        subject -> Text,
        files -> Jsonb,
        raw -> Nullable<Bytea>,
        bytes -> Int8,
        state -> Text,
        cause -> Nullable<Text>,
        detail -> Nullable<Text>,
        ticket_id -> Nullable<Uuid>,
        note_id -> Nullable<Uuid>,
        files_due_at -> Nullable<Timestamptz>,
        files_done -> Int4,
        received_at -> Timestamptz,
        settled_by -> Nullable<Uuid>,
        settled_by_name -> Nullable<Text>,
        settled_at -> Nullable<Timestamptz>,
        side_conversation_id -> Nullable<Uuid>,
    }
}

diesel::table! {
    inbound_settings (one) {
        one -> Bool,
        unknown_senders -> Text,
        account_id -> Nullable<Uuid>,
        product_id -> Nullable<Uuid>,
        category_id -> Nullable<Uuid>,
        thanks_reopens -> Bool,
        version -> Int4,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    jobs (id) {
        id -> Uuid,
        kind -> Text,
        subject -> Text,
        state -> Text,
        options -> Jsonb,
        cursor -> Nullable<Jsonb>,
        done -> Int8,
        total -> Nullable<Int8>,
        found -> Int8,
        waits_for -> Nullable<Text>,
        error -> Nullable<Text>,
        attempts -> Int4,
        run_at -> Timestamptz,
        fence -> Int8,
        started_by -> Uuid,
        started_by_name -> Text,
        created_at -> Timestamptz,
        started_at -> Nullable<Timestamptz>,
        finished_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    macros (id) {
        id -> Uuid,
        name -> Text,
        description -> Text,
        actions -> Jsonb,
        active -> Bool,
        version -> Int4,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    mail_templates (key, language) {
        key -> Text,
        language -> Text,
        subject -> Text,
        text_body -> Text,
        html_body -> Text,
        version -> Int4,
        updated_by -> Uuid,
        updated_by_name -> Text,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    notes (id) {
        id -> Uuid,
        ticket_id -> Uuid,
        seq -> Int4,
        visibility -> Text,
        channel -> Text,
        author_id -> Uuid,
        author_role -> Text,
        author_name -> Text,
        body -> Text,
        created_at -> Timestamptz,
        attachment_ids -> Array<Uuid>,
        mentions -> Array<Uuid>,
    }
}

diesel::table! {
    notification_cursor (singleton) {
        singleton -> Bool,
        position -> Int8,
    }
}

diesel::table! {
    notification_preferences (person_id) {
        agent_id -> Nullable<Uuid>,
        contact_id -> Nullable<Uuid>,
        person_id -> Uuid,
        preferences -> Jsonb,
        version -> Int4,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    notifications (id) {
        id -> Uuid,
        agent_id -> Nullable<Uuid>,
        contact_id -> Nullable<Uuid>,
        person_id -> Uuid,
        position -> Int8,
        ticket_id -> Uuid,
        note_id -> Nullable<Uuid>,
        kind -> Text,
        in_feed -> Bool,
        read_at -> Nullable<Timestamptz>,
        mail_waits -> Bool,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    outgoing_mails (id) {
        id -> Uuid,
        conversation -> Text,
        conversation_id -> Uuid,
        ticket_id -> Nullable<Uuid>,
        note_id -> Nullable<Uuid>,
        to_name -> Nullable<Text>,
        to_email -> Text,
        cc -> Jsonb,
        subject -> Text,
        text_body -> Text,
        html_body -> Nullable<Text>,
        automatic -> Bool,
        dedupe -> Nullable<Text>,
        state -> Text,
        reason -> Nullable<Text>,
        attempts -> Int4,
        unanswered -> Int4,
        due_at -> Timestamptz,
        fence -> Int8,
        released -> Bool,
        message_id -> Nullable<Text>,
        created_at -> Timestamptz,
        sent_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    process_steps (ticket_id, step) {
        ticket_id -> Uuid,
        step -> Int4,
        task -> Text,
        check_word -> Text,
        done_at -> Nullable<Timestamptz>,
        done_by -> Nullable<Uuid>,
        done_by_name -> Nullable<Text>,
        reference -> Nullable<Text>,
    }
}

diesel::table! {
    processes (key) {
        key -> Text,
        name -> Text,
        steps -> Jsonb,
        version -> Int4,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    products (id) {
        id -> Uuid,
        name -> Text,
        active -> Bool,
        version -> Int4,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    received_references (conversation_id, message_id) {
        conversation_id -> Uuid,
        message_id -> Text,
        received_at -> Timestamptz,
    }
}

diesel::table! {
    redactions (id) {
        id -> Uuid,
        ticket_id -> Uuid,
        field -> Text,
        note_id -> Nullable<Uuid>,
        start -> Int4,
        length -> Int4,
        spans -> Int4,
        reason -> Text,
        redacted_by -> Uuid,
        redacted_by_name -> Text,
        redacted_at -> Timestamptz,
    }
}

diesel::table! {
    reply_drafts (ticket_id, author_id) {
        ticket_id -> Uuid,
        author_id -> Uuid,
        visibility -> Text,
        body -> Text,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    report_assignments (ticket_id, seq) {
        ticket_id -> Uuid,
        seq -> Int4,
        agent_id -> Uuid,
        assigned_at -> Timestamptz,
    }
}

diesel::table! {
    report_cursor (singleton) {
        singleton -> Bool,
        position -> Int8,
    }
}

diesel::table! {
    report_cycles (ticket_id, cycle) {
        ticket_id -> Uuid,
        cycle -> Int4,
        opened_at -> Timestamptz,
        closed_at -> Nullable<Timestamptz>,
        merged -> Bool,
        agent_id -> Nullable<Uuid>,
        seconds -> Nullable<Int8>,
        business_seconds -> Nullable<Int8>,
        reopened_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    report_statuses (workflow_id, code) {
        workflow_id -> Uuid,
        code -> Text,
        category -> Text,
    }
}

diesel::table! {
    report_tickets (ticket_id) {
        ticket_id -> Uuid,
        applied_version -> Int4,
        account_id -> Nullable<Uuid>,
        department_id -> Uuid,
        agent_id -> Nullable<Uuid>,
        product_id -> Nullable<Uuid>,
        component_id -> Nullable<Uuid>,
        deleted -> Bool,
        opened_at -> Timestamptz,
        responded_at -> Nullable<Timestamptz>,
        response_seconds -> Nullable<Int8>,
        response_business_seconds -> Nullable<Int8>,
    }
}

diesel::table! {
    routing_entries (component_id, from_version) {
        component_id -> Uuid,
        from_version -> Int4,
        until_version -> Nullable<Int4>,
        product_id -> Uuid,
        name -> Text,
        level -> Text,
        department_id -> Uuid,
        process -> Nullable<Text>,
        active -> Bool,
    }
}

diesel::table! {
    routing_head (singleton) {
        singleton -> Bool,
        version -> Int4,
    }
}

diesel::table! {
    routing_versions (version) {
        version -> Int4,
        changed_by -> Uuid,
        changed_by_name -> Text,
        changed_at -> Timestamptz,
    }
}

diesel::table! {
    side_conversations (id) {
        id -> Uuid,
        ticket_id -> Uuid,
        subject -> Text,
        participants -> Jsonb,
        state -> Text,
        message_count -> Int4,
        opened_by -> Uuid,
        opened_by_name -> Text,
        opened_at -> Timestamptz,
        closed_at -> Nullable<Timestamptz>,
        version -> Int4,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    side_messages (id) {
        id -> Uuid,
        conversation_id -> Uuid,
        seq -> Int4,
        author_id -> Nullable<Uuid>,
        author_name -> Nullable<Text>,
        author_email -> Nullable<Text>,
        body -> Text,
        ticket_summary -> Bool,
        mail_id -> Nullable<Uuid>,
        email_id -> Nullable<Uuid>,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    signing_keys (id) {
        id -> Text,
        public_key -> Bytea,
        sealed_private_key -> Bytea,
        created_at -> Timestamptz,
        retired_at -> Nullable<Timestamptz>,
        expires_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    sla_clocks (ticket_id, metric, cycle) {
        ticket_id -> Uuid,
        metric -> Text,
        cycle -> Int4,
        state -> Text,
        started_at -> Timestamptz,
        ended_at -> Nullable<Timestamptz>,
        policy_id -> Nullable<Uuid>,
        policy_version -> Nullable<Int4>,
        calendar_id -> Nullable<Uuid>,
        calendar_version -> Nullable<Int4>,
        due_at -> Nullable<Timestamptz>,
        breached_at -> Nullable<Timestamptz>,
        check_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    sla_ledger (ticket_id, seq) {
        ticket_id -> Uuid,
        seq -> Int4,
        metric -> Text,
        cycle -> Int4,
        kind -> Text,
        at -> Timestamptz,
        detail -> Jsonb,
    }
}

diesel::table! {
    sla_policies (id) {
        id -> Uuid,
        name -> Text,
        rank -> Int4,
        active -> Bool,
        calendar_id -> Uuid,
        terms -> Jsonb,
        version -> Int4,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    sla_policy_versions (policy_id, version) {
        policy_id -> Uuid,
        version -> Int4,
        document -> Jsonb,
        changed_by -> Uuid,
        changed_by_name -> Text,
        changed_at -> Timestamptz,
    }
}

diesel::table! {
    sla_revision (singleton) {
        singleton -> Bool,
        revision -> Int8,
    }
}

diesel::table! {
    sla_tickets (ticket_id) {
        ticket_id -> Uuid,
        applied_version -> Int4,
        stale_since -> Nullable<Timestamptz>,
        revision -> Int8,
        open -> Bool,
        account_id -> Nullable<Uuid>,
        policy_id -> Nullable<Uuid>,
        facts -> Jsonb,
    }
}

diesel::table! {
    statuses (workflow_id, code) {
        workflow_id -> Uuid,
        code -> Text,
        key -> Text,
        name -> Text,
        category -> Text,
        sla -> Text,
        awaiting -> Text,
        customer_label -> Text,
        sort_order -> Int4,
    }
}

diesel::table! {
    suppressed_addresses (id) {
        id -> Uuid,
        email -> Text,
        cause -> Text,
        detail -> Text,
        mail_id -> Nullable<Uuid>,
        suppressed_at -> Timestamptz,
    }
}

diesel::table! {
    survey_cursor (singleton) {
        singleton -> Bool,
        position -> Int8,
    }
}

diesel::table! {
    surveys (id) {
        id -> Uuid,
        ticket_id -> Uuid,
        closed_at -> Timestamptz,
        account_id -> Uuid,
        department_id -> Uuid,
        agent_id -> Nullable<Uuid>,
        contact_id -> Uuid,
        asked_at -> Timestamptz,
        expires_at -> Timestamptz,
        rating -> Nullable<Int2>,
        comment -> Nullable<Text>,
        answered_at -> Nullable<Timestamptz>,
        changed_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    ticket_links (id) {
        id -> Uuid,
        kind -> Text,
        from_id -> Uuid,
        to_id -> Uuid,
        parent_closed_at -> Nullable<Timestamptz>,
        linked_by -> Uuid,
        linked_by_name -> Text,
        linked_at -> Timestamptz,
    }
}

diesel::table! {
    ticket_merges (ticket_id) {
        ticket_id -> Uuid,
        status -> Text,
        resolution -> Nullable<Text>,
        closed_at -> Nullable<Timestamptz>,
        followed -> Bool,
    }
}

diesel::table! {
    ticket_processes (ticket_id) {
        ticket_id -> Uuid,
        process -> Text,
        name -> Text,
        attached_at -> Timestamptz,
        after_note -> Int4,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use super::sql_types::Tsvector;

    ticket_texts (ticket_id) {
        ticket_id -> Uuid,
        created_at -> Timestamptz,
        department_id -> Uuid,
        words -> Tsvector,
        pairs -> Array<Int4>,
    }
}

diesel::table! {
    ticket_types (key) {
        key -> Text,
        name -> Text,
        workflow_id -> Nullable<Uuid>,
        version -> Int4,
    }
}

diesel::table! {
    ticket_watchers (ticket_id, watcher_id) {
        ticket_id -> Uuid,
        agent_id -> Nullable<Uuid>,
        contact_id -> Nullable<Uuid>,
        watcher_id -> Uuid,
        added_by -> Uuid,
        added_by_name -> Text,
        added_at -> Timestamptz,
    }
}

diesel::table! {
    tickets (id) {
        id -> Uuid,
        number -> Int8,
        workflow_id -> Uuid,
        status -> Text,
        category -> Text,
        subject -> Text,
        description -> Text,
        url -> Nullable<Text>,
        priority -> Int2,
        type_key -> Text,
        account_id -> Nullable<Uuid>,
        contact_id -> Nullable<Uuid>,
        product_id -> Nullable<Uuid>,
        category_id -> Nullable<Uuid>,
        component_id -> Nullable<Uuid>,
        department_id -> Uuid,
        level -> Text,
        assignee_id -> Nullable<Uuid>,
        deadline -> Nullable<Timestamptz>,
        source -> Text,
        external_id -> Nullable<Text>,
        tags -> Array<Text>,
        opened_by -> Uuid,
        opened_by_role -> Text,
        resolution -> Nullable<Text>,
        vendor_reference -> Nullable<Text>,
        note_count -> Int4,
        reopen_count -> Int4,
        submitted_at -> Nullable<Timestamptz>,
        closed_at -> Nullable<Timestamptz>,
        deleted_at -> Nullable<Timestamptz>,
        automatic_at -> Nullable<Timestamptz>,
        version -> Int4,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        severity -> Nullable<Int2>,
        impact -> Nullable<Int2>,
        priority_manual -> Bool,
        merged_into -> Nullable<Uuid>,
        merged_count -> Int4,
        handed_over_by -> Nullable<Uuid>,
        deadline_check_at -> Nullable<Timestamptz>,
        routing_version -> Nullable<Int4>,
        silent_since -> Nullable<Timestamptz>,
        reminded_at -> Nullable<Timestamptz>,
        silence_due_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    time_entries (id) {
        id -> Uuid,
        ticket_id -> Uuid,
        agent_id -> Uuid,
        minutes -> Int4,
        chargeable -> Bool,
        note -> Nullable<Text>,
        work_date -> Date,
        capped -> Bool,
        version -> Int4,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    timers (agent_id) {
        agent_id -> Uuid,
        ticket_id -> Uuid,
        started_at -> Timestamptz,
        chargeable -> Bool,
        note -> Nullable<Text>,
    }
}

diesel::table! {
    transitions (id) {
        id -> Uuid,
        workflow_id -> Uuid,
        from_code -> Text,
        to_code -> Text,
        trigger -> Text,
        requires -> Array<Text>,
        effects -> Array<Text>,
        within_days -> Nullable<Int4>,
        after_days -> Nullable<Int4>,
        reminder_after_days -> Nullable<Int4>,
    }
}

diesel::table! {
    triage_matrix (singleton) {
        singleton -> Bool,
        priorities -> Array<Int2>,
        version -> Int4,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    views (id) {
        id -> Uuid,
        name -> Text,
        owner_id -> Nullable<Uuid>,
        audience -> Text,
        department_id -> Nullable<Uuid>,
        filters -> Jsonb,
        sort -> Text,
        column_names -> Array<Text>,
        position -> Int4,
        version -> Int4,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    waiting_mails (person_id) {
        agent_id -> Nullable<Uuid>,
        contact_id -> Nullable<Uuid>,
        person_id -> Uuid,
        due_at -> Timestamptz,
    }
}

diesel::table! {
    webhook_attempts (delivery_id, attempt) {
        delivery_id -> Uuid,
        attempt -> Int4,
        started_at -> Timestamptz,
        duration_ms -> Nullable<Int4>,
        status -> Nullable<Int4>,
        error -> Nullable<Text>,
        response -> Nullable<Text>,
    }
}

diesel::table! {
    webhook_deliveries (id) {
        id -> Uuid,
        webhook_id -> Uuid,
        position -> Nullable<Int8>,
        #[sql_name = "type"]
        type_ -> Text,
        ticket_id -> Nullable<Uuid>,
        ticket_version -> Nullable<Int4>,
        state -> Text,
        attempts -> Int4,
        failures -> Int4,
        due_at -> Timestamptz,
        created_at -> Timestamptz,
        ended_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    webhooks (id) {
        id -> Uuid,
        name -> Text,
        url -> Text,
        types -> Array<Text>,
        account_ids -> Array<Uuid>,
        department_ids -> Array<Uuid>,
        active -> Bool,
        disabled_reason -> Nullable<Text>,
        sealed_secret -> Bytea,
        sealed_previous -> Nullable<Bytea>,
        previous_until -> Nullable<Timestamptz>,
        position -> Int8,
        fence -> Int8,
        lease_until -> Nullable<Timestamptz>,
        rest_until -> Nullable<Timestamptz>,
        failures -> Int4,
        delivered_at -> Nullable<Timestamptz>,
        created_by -> Uuid,
        created_by_name -> Text,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        version -> Int4,
    }
}

diesel::table! {
    workflows (id) {
        id -> Uuid,
        key -> Text,
        name -> Text,
        draft_status -> Text,
        submitted_status -> Text,
        reopen_window_days -> Int4,
        revision -> Uuid,
        version -> Int4,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
    }
}

diesel::joinable!(account_products -> accounts (account_id));
diesel::joinable!(account_products -> products (product_id));
diesel::joinable!(agent_departments -> agents (agent_id));
diesel::joinable!(agent_departments -> departments (department_id));
diesel::joinable!(appointments -> agents (agent_id));
diesel::joinable!(appointments -> tickets (ticket_id));
diesel::joinable!(assignments -> tickets (ticket_id));
diesel::joinable!(attachments -> files (file_id));
diesel::joinable!(attachments -> tickets (ticket_id));
diesel::joinable!(automatic_deliveries -> outgoing_mails (mail_id));
diesel::joinable!(bulk_items -> bulk_jobs (job_id));
diesel::joinable!(bulk_jobs -> jobs (job_id));
diesel::joinable!(calendar_feeds -> agents (agent_id));
diesel::joinable!(calendar_versions -> calendars (calendar_id));
diesel::joinable!(canned_replies -> departments (department_id));
diesel::joinable!(components -> departments (department_id));
diesel::joinable!(components -> processes (process));
diesel::joinable!(components -> products (product_id));
diesel::joinable!(contact_accounts -> accounts (account_id));
diesel::joinable!(contact_accounts -> contacts (contact_id));
diesel::joinable!(conversions -> tickets (ticket_id));
diesel::joinable!(crm_changes -> crm_connections (connection_id));
diesel::joinable!(crm_differences -> crm_connections (connection_id));
diesel::joinable!(crm_differences -> jobs (job_id));
diesel::joinable!(crm_differences -> tickets (ticket_id));
diesel::joinable!(crm_hooks -> crm_connections (connection_id));
diesel::joinable!(crm_imports -> crm_connections (connection_id));
diesel::joinable!(crm_inbox -> crm_connections (connection_id));
diesel::joinable!(crm_leads -> crm_connections (connection_id));
diesel::joinable!(crm_leads -> tickets (ticket_id));
diesel::joinable!(crm_links -> crm_connections (connection_id));
diesel::joinable!(crm_mirrors -> crm_connections (connection_id));
diesel::joinable!(crm_mirrors -> tickets (ticket_id));
diesel::joinable!(crm_note_links -> crm_connections (connection_id));
diesel::joinable!(crm_note_links -> notes (note_id));
diesel::joinable!(crm_note_links -> tickets (ticket_id));
diesel::joinable!(crm_outcomes -> crm_connections (connection_id));
diesel::joinable!(crm_records -> crm_connections (connection_id));
diesel::joinable!(crm_redactions -> crm_connections (connection_id));
diesel::joinable!(crm_redactions -> notes (note_id));
diesel::joinable!(crm_redactions -> redactions (redaction_id));
diesel::joinable!(crm_redactions -> tickets (ticket_id));
diesel::joinable!(delays -> agents (agent_id));
diesel::joinable!(delays -> appointments (appointment_id));
diesel::joinable!(delays -> tickets (ticket_id));
diesel::joinable!(department_mailboxes -> departments (department_id));
diesel::joinable!(departments -> workflows (workflow_id));
diesel::joinable!(elevations -> tickets (ticket_id));
diesel::joinable!(events -> tickets (ticket_id));
diesel::joinable!(export_marks -> tickets (ticket_id));
diesel::joinable!(export_touches -> tickets (ticket_id));
diesel::joinable!(file_parts -> files (file_id));
diesel::joinable!(hourly_rates -> accounts (account_id));
diesel::joinable!(inbound_mails -> notes (note_id));
diesel::joinable!(inbound_mails -> side_conversations (side_conversation_id));
diesel::joinable!(inbound_mails -> tickets (ticket_id));
diesel::joinable!(inbound_settings -> accounts (account_id));
diesel::joinable!(inbound_settings -> categories (category_id));
diesel::joinable!(inbound_settings -> products (product_id));
diesel::joinable!(notes -> tickets (ticket_id));
diesel::joinable!(notification_preferences -> agents (agent_id));
diesel::joinable!(notification_preferences -> contacts (contact_id));
diesel::joinable!(notifications -> agents (agent_id));
diesel::joinable!(notifications -> contacts (contact_id));
diesel::joinable!(notifications -> notes (note_id));
diesel::joinable!(notifications -> tickets (ticket_id));
diesel::joinable!(outgoing_mails -> notes (note_id));
diesel::joinable!(outgoing_mails -> tickets (ticket_id));
diesel::joinable!(process_steps -> ticket_processes (ticket_id));
diesel::joinable!(redactions -> notes (note_id));
diesel::joinable!(redactions -> tickets (ticket_id));
diesel::joinable!(reply_drafts -> tickets (ticket_id));
diesel::joinable!(report_assignments -> report_tickets (ticket_id));
diesel::joinable!(report_cycles -> report_tickets (ticket_id));
diesel::joinable!(report_tickets -> tickets (ticket_id));
diesel::joinable!(routing_entries -> components (component_id));
diesel::joinable!(routing_entries -> departments (department_id));
diesel::joinable!(routing_entries -> processes (process));
diesel::joinable!(routing_entries -> products (product_id));
diesel::joinable!(routing_head -> routing_versions (version));
diesel::joinable!(side_conversations -> tickets (ticket_id));
diesel::joinable!(side_messages -> inbound_mails (email_id));
diesel::joinable!(side_messages -> outgoing_mails (mail_id));
diesel::joinable!(side_messages -> side_conversations (conversation_id));
diesel::joinable!(sla_clocks -> sla_tickets (ticket_id));
diesel::joinable!(sla_ledger -> sla_tickets (ticket_id));
diesel::joinable!(sla_policies -> calendars (calendar_id));
diesel::joinable!(sla_policy_versions -> sla_policies (policy_id));
diesel::joinable!(sla_tickets -> accounts (account_id));
diesel::joinable!(sla_tickets -> sla_policies (policy_id));
diesel::joinable!(sla_tickets -> tickets (ticket_id));
diesel::joinable!(statuses -> workflows (workflow_id));
diesel::joinable!(suppressed_addresses -> outgoing_mails (mail_id));
diesel::joinable!(surveys -> accounts (account_id));
diesel::joinable!(surveys -> agents (agent_id));
diesel::joinable!(surveys -> contacts (contact_id));
diesel::joinable!(surveys -> departments (department_id));
diesel::joinable!(surveys -> tickets (ticket_id));
diesel::joinable!(ticket_merges -> tickets (ticket_id));
diesel::joinable!(ticket_processes -> tickets (ticket_id));
diesel::joinable!(ticket_texts -> tickets (ticket_id));
diesel::joinable!(ticket_types -> workflows (workflow_id));
diesel::joinable!(ticket_watchers -> agents (agent_id));
diesel::joinable!(ticket_watchers -> contacts (contact_id));
diesel::joinable!(ticket_watchers -> tickets (ticket_id));
diesel::joinable!(tickets -> accounts (account_id));
diesel::joinable!(tickets -> categories (category_id));
diesel::joinable!(tickets -> components (component_id));
diesel::joinable!(tickets -> contacts (contact_id));
diesel::joinable!(tickets -> departments (department_id));
diesel::joinable!(tickets -> products (product_id));
diesel::joinable!(tickets -> ticket_types (type_key));
diesel::joinable!(tickets -> workflows (workflow_id));
diesel::joinable!(time_entries -> agents (agent_id));
diesel::joinable!(time_entries -> tickets (ticket_id));
diesel::joinable!(timers -> agents (agent_id));
diesel::joinable!(timers -> tickets (ticket_id));
diesel::joinable!(views -> departments (department_id));
diesel::joinable!(waiting_mails -> agents (agent_id));
diesel::joinable!(waiting_mails -> contacts (contact_id));
diesel::joinable!(webhook_attempts -> webhook_deliveries (delivery_id));
diesel::joinable!(webhook_deliveries -> webhooks (webhook_id));

diesel::allow_tables_to_appear_in_same_query!(
    account_products,
    accounts,
    agent_departments,
    agents,
    appointments,
    assignments,
    attachments,
    automatic_deliveries,
    bulk_items,
    bulk_jobs,
    calendar_feeds,
    calendar_versions,
    calendars,
    canned_replies,
    categories,
    clients,
    components,
    contact_accounts,
    contacts,
    conversions,
    crm_changes,
    crm_conflicts,
    crm_connections,
    crm_differences,
    crm_hooks,
    crm_imports,
    crm_inbox,
    crm_leads,
    crm_links,
    crm_mirrors,
    crm_note_links,
    crm_outcomes,
    crm_records,
    crm_redactions,
    delays,
    department_mailboxes,
    departments,
    elevations,
    event_feed,
    events,
    export_head,
    export_marks,
    export_touches,
    file_parts,
    files,
    hourly_rates,
    idempotency_keys,
    inbound_mailboxes,
    inbound_mails,
    inbound_settings,
    jobs,
    macros,
    mail_templates,
    notes,
    notification_cursor,
    notification_preferences,
    notifications,
    outgoing_mails,
    process_steps,
    processes,
    products,
    received_references,
    redactions,
    reply_drafts,
    report_assignments,
    report_cursor,
    report_cycles,
    report_statuses,
    report_tickets,
    routing_entries,
    routing_head,
    routing_versions,
    side_conversations,
    side_messages,
    signing_keys,
    sla_clocks,
    sla_ledger,
    sla_policies,
    sla_policy_versions,
    sla_revision,
    sla_tickets,
    statuses,
    suppressed_addresses,
    survey_cursor,
    surveys,
    ticket_links,
    ticket_merges,
    ticket_processes,
    ticket_texts,
    ticket_types,
    ticket_watchers,
    tickets,
    time_entries,
    timers,
    transitions,
    triage_matrix,
    views,
    waiting_mails,
    webhook_attempts,
    webhook_deliveries,
    webhooks,
    workflows,
);
