//! What every adapter must do, whatever CRM it speaks to. A new one joins with a file here that holds its
//! [`bench::Bench`] and ends in `conforms!`, and with a line at the end of [`live`].
//!
//! The scenarios in [`alone`] need nobody who works in the CRM, so they also run against a live one that the environment
//! names: see `CONTRIBUTING.md`.
mod alone;
mod bench;
mod people;

/// One test for each scenario.
macro_rules! conforms {
    ($bench:ident) => {
        conforms! { @alone $bench:
            a_case_comes_back_as_it_was_sent,
            creating_a_case_twice_makes_one,
            an_update_leaves_the_other_fields_alone,
            a_note_written_twice_is_one_note,
            difficult_text_comes_back_or_is_reported_as_a_loss,
            a_case_that_is_not_there_is_not_found,
            a_deleted_case_is_not_found,
            wrong_credentials_are_a_failure_of_the_connection,
            records_are_read_without_repetition,
            a_new_case_is_among_the_changes,
        }
        conforms! { @people $bench:
            a_lost_answer_to_a_creation_makes_no_second_case,
            a_lost_answer_to_a_note_makes_no_second_note,
            an_update_sends_only_what_differs,
            an_edit_by_a_person_is_seen_with_who_made_it,
            a_note_by_a_person_is_seen_with_who_wrote_it,
            rows_that_move_while_pages_are_read_hide_no_other_row,
            two_edits_at_the_same_time_lose_nothing,
            a_case_deleted_by_a_person_is_told,
            contacts_are_related_and_unrelated_any_number_of_times,
            people_and_companies_are_found,
            many_records_are_read_to_the_end,
            throttling_says_how_long_to_wait,
            an_outage_passes,
            credentials_that_were_taken_away_are_a_failure_of_the_connection,
            a_lead_created_twice_is_one_lead,
        }
    };
    (@alone $bench:ident: $($name:ident,)*) => {
        $(
            #[actix_web::test]
            async fn $name() {
                let bench = $bench::start().await;
                $crate::conformance::alone::$name(bench.subject()).await;
            }
        )*
    };
    (@people $bench:ident: $($name:ident,)*) => {
        $(
            #[actix_web::test]
            async fn $name() {
                $crate::conformance::people::$name(&$bench::start().await).await;
            }
        )*
    };
}

mod espocrm;
mod live;
mod salesforce;
mod suitecrm;
