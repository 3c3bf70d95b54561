//! The figures of each report.
use serde::Serialize;
use utoipa::ToSchema;

/// Figures as the cells of a table.
pub trait Figures: Serialize {
    /// The names of the cells.
    const COLUMNS: &[&str];

    /// The same in numbers; empty where there is none.
    fn cells(&self) -> Vec<Option<f64>>;
}

/// Declares figures that are numbers side by side: `Name { field: type, ... }`.
macro_rules! figures {
    ($($(#[$doc:meta])* $name:ident { $($(#[$fdoc:meta])* $field:ident: $kind:ty),* $(,)? })*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, ToSchema)]
        pub struct $name { $($(#[$fdoc])* pub $field: $kind),* }

        impl Figures for $name {
            const COLUMNS: &[&str] = &[$(stringify!($field)),*];

            fn cells(&self) -> Vec<Option<f64>> {
                vec![$(Cell::from(self.$field).0),*]
            }
        }
    )*};
}

struct Cell(Option<f64>);

#[expect(clippy::cast_precision_loss, reason = "counts and seconds are far below 2^53")]
impl From<i64> for Cell {
    fn from(number: i64) -> Self {
        Self(Some(number as f64))
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts and seconds are far below 2^53")]
impl From<Option<i64>> for Cell {
    fn from(number: Option<i64>) -> Self {
        Self(number.map(|number| number as f64))
    }
}

impl From<Option<f64>> for Cell {
    fn from(number: Option<f64>) -> Self {
        Self(number)
    }
}

figures! {
    /// What came and what went.
    Flow {
        /// Tickets that were submitted.
        #[schema(example = 41)]
        opened: i64,
        /// Times that a closed ticket was opened again.
        #[schema(example = 3)]
        reopened: i64,
        /// Times that a ticket was closed; merges do not count.
        #[schema(example = 38)]
        closed: i64,
        /// Tickets that were closed because they were merged into others.
        #[schema(example = 2)]
        merged: i64,
    }

    /// What is open now, by how long ago it was submitted.
    Backlog {
        #[schema(example = 120)]
        open: i64,
        /// Submitted less than a day ago, that is 24 hours.
        #[schema(example = 20)]
        under_1_day: i64,
        /// From 1 day to less than 3.
        #[schema(example = 30)]
        under_3_days: i64,
        /// From 3 days to less than 7.
        #[schema(example = 30)]
        under_7_days: i64,
        /// From 7 days to less than 30.
        #[schema(example = 25)]
        under_30_days: i64,
        /// From 30 days to less than 90.
        #[schema(example = 10)]
        under_90_days: i64,
        #[schema(example = 5)]
        older: i64,
    }

    /// What was open at the end of a bucket.
    Open {
        /// Now, if the bucket has not ended; null if it has not begun.
        #[schema(example = 117)]
        open: Option<i64>,
    }

    /// How long something took, of what happened in the period. Half of it took no longer than the median, nine in ten no longer than
    /// the ninetieth percentile (nearest rank); null when nothing happened.
    Times {
        #[schema(example = 38)]
        count: i64,
        /// Seconds, of all time.
        #[schema(example = 5400)]
        median_seconds: Option<i64>,
        #[schema(example = 90000)]
        p90_seconds: Option<i64>,
        /// Seconds of business time.
        #[schema(example = 5400)]
        median_business_seconds: Option<i64>,
        #[schema(example = 28800)]
        p90_business_seconds: Option<i64>,
    }

    /// How often closing was not the end, of the closings in the period.
    Reopens {
        /// Times that a ticket was closed; merges do not count.
        #[schema(example = 38)]
        closed: i64,
        /// How many of these tickets were opened again, whenever that was.
        #[schema(example = 3)]
        reopened: i64,
        /// Their part; null when nothing was closed.
        #[schema(example = 0.079)]
        rate: Option<f64>,
    }

    /// What an agent has to do now, and did in the period.
    Load {
        /// Open tickets that the agent has now.
        #[schema(example = 7)]
        open: i64,
        /// Times that a ticket was given to the agent.
        #[schema(example = 21)]
        assigned: i64,
        /// Times that a ticket that the agent had was closed; merges do not count.
        #[schema(example = 19)]
        closed: i64,
    }

    /// What an agent did in a part of the period.
    Work {
        /// Times that a ticket was given to the agent.
        #[schema(example = 4)]
        assigned: i64,
        /// Times that a ticket that the agent had was closed; merges do not count.
        #[schema(example = 3)]
        closed: i64,
    }

    /// What customers said who were asked in the period how satisfied they are.
    Satisfaction {
        #[schema(example = 30)]
        asked: i64,
        #[schema(example = 12)]
        answered: i64,
        /// The part that answered; null when nobody was asked.
        #[schema(example = 0.4)]
        response_rate: Option<f64>,
        /// Of the ratings, from 1 to 5; null when nobody answered.
        #[schema(example = 4.25)]
        mean: Option<f64>,
        #[schema(example = 0)]
        rated_1: i64,
        #[schema(example = 1)]
        rated_2: i64,
        #[schema(example = 1)]
        rated_3: i64,
        #[schema(example = 4)]
        rated_4: i64,
        #[schema(example = 6)]
        rated_5: i64,
    }

    /// Time that agents worked, of entries for days that begin in the period.
    Minutes {
        #[schema(example = 25)]
        entries: i64,
        #[schema(example = 940)]
        charged_minutes: i64,
        #[schema(example = 310)]
        not_charged_minutes: i64,
    }

    /// What is to be done between the desk and its CRMs, now.
    Mirrored {
        /// Tickets with something to be brought into agreement.
        #[schema(example = 3)]
        pending: i64,
        /// Tickets that wait for somebody.
        #[schema(example = 1)]
        parked: i64,
        /// Values on which both sides disagree until somebody decides.
        #[schema(example = 0)]
        conflicts: i64,
        /// Seconds since the oldest thing to be done came up; 0 when there is none.
        #[schema(example = 2)]
        lag_seconds: i64,
    }

    /// How well a promise was kept, of the clocks that started in the period and have something to keep.
    Kept {
        /// It happened in time.
        #[schema(example = 90)]
        fulfilled: i64,
        /// It did not happen in time, or has not happened although the time is over.
        #[schema(example = 6)]
        breached: i64,
        /// It can still happen in time: the clock runs or is paused.
        #[schema(example = 14)]
        running: i64,
        /// Nothing is expected any more: the ticket was closed first, merged or deleted.
        #[schema(example = 1)]
        stopped: i64,
        /// What was fulfilled, of that and what was breached; null when there is neither.
        #[schema(example = 0.9375)]
        attainment: Option<f64>,
    }
}

/// How well promises were kept, by what was promised.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, ToSchema)]
pub struct Attainment {
    pub first_response: Kept,
    pub next_response: Kept,
    pub resolution: Kept,
}

impl Figures for Attainment {
    const COLUMNS: &[&str] = &[
        "first_response_fulfilled",
        "first_response_breached",
        "first_response_running",
        "first_response_stopped",
        "first_response_attainment",
        "next_response_fulfilled",
        "next_response_breached",
        "next_response_running",
        "next_response_stopped",
        "next_response_attainment",
        "resolution_fulfilled",
        "resolution_breached",
        "resolution_running",
        "resolution_stopped",
        "resolution_attainment",
    ];

    fn cells(&self) -> Vec<Option<f64>> {
        [self.first_response, self.next_response, self.resolution]
            .iter()
            .flat_map(Figures::cells)
            .collect()
    }
}

/// A part of a whole; `None` of nothing.
#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
pub fn rate(part: i64, whole: i64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

impl Kept {
    pub fn new([fulfilled, breached, running, stopped]: [i64; 4]) -> Self {
        let attainment = rate(fulfilled, fulfilled + breached);
        Self { fulfilled, breached, running, stopped, attainment }
    }
}

impl Reopens {
    pub fn new(closed: i64, reopened: i64) -> Self {
        Self { closed, reopened, rate: rate(reopened, closed) }
    }
}

impl Satisfaction {
    /// `ratings`: how many chose 1, 2, 3, 4 and 5.
    pub fn new(asked: i64, ratings: [i64; 5]) -> Self {
        let answered = ratings.iter().sum();
        let sum = (1..).zip(ratings).map(|(rating, count)| rating * count).sum();
        let [rated_1, rated_2, rated_3, rated_4, rated_5] = ratings;
        Self {
            asked,
            answered,
            response_rate: rate(answered, asked),
            mean: rate(sum, answered),
            rated_1,
            rated_2,
            rated_3,
            rated_4,
            rated_5,
        }
    }
}
