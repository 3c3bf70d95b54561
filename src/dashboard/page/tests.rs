use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

use super::*;
use crate::crm::service::ConnectionState;
use crate::dashboard::rules::Period;
use crate::kernel::{ConnectionId, TimeZone};
use crate::reports::{
    About, Attainment, Backlog, Bucket, BucketSize, ConnectionHealth, Flow, Group, Kept, Load,
    Minutes, MirrorHealth, Mirrored, Open, Reopens, Report, Satisfaction, Series, Times, Work,
};

fn about(bucket: BucketSize, days: i64) -> About {
    let from: DateTime<Utc> = "2026-10-31T23:00:00Z".parse().unwrap();
    About {
        from,
        to: from + TimeDelta::days(days),
        time_zone: TimeZone(chrono_tz::Europe::Vienna),
        bucket,
        group_by: None,
        as_of: "2026-11-30T13:05:00Z".parse().unwrap(),
    }
}

/// A report by days; `at` makes the figures of each.
fn by_days<W, F>(days: i64, total: W, at: impl Fn(i64) -> F) -> Option<Report<W, F>> {
    let about = about(BucketSize::Day, days);
    let bucket = |day| Bucket {
        from: about.from + TimeDelta::days(day),
        to: about.from + TimeDelta::days(day + 1),
        figures: at(day),
    };
    let series = Series { total, buckets: (0..days).map(bucket).collect() };
    Some(Report { about, series, groups: Vec::new(), others: None })
}

fn times(count: i64, seconds: i64) -> Times {
    let some = |seconds| (count > 0).then_some(seconds);
    Times {
        count,
        median_seconds: some(seconds * 3),
        p90_seconds: some(seconds * 12),
        median_business_seconds: some(seconds),
        p90_business_seconds: some(seconds * 4),
    }
}

fn loads(names: impl Iterator<Item = String>) -> Option<Report<Load, Work>> {
    let total = |at| Load { open: 70 - at, assigned: 2 * at, closed: at };
    let group = |(at, name)| Group {
        id: Some(Uuid::nil()),
        name: Some(name),
        series: Series { total: total(at), buckets: Vec::new() },
    };
    let groups: Vec<_> = (0..).zip(names).map(group).collect();
    let all = groups.iter().fold(Load::default(), |sum, group| Load {
        open: sum.open + group.series.total.open,
        assigned: sum.assigned + group.series.total.assigned,
        closed: sum.closed + group.series.total.closed,
    });
    let report = by_days(1, all, |_| Work::default())?;
    Some(Report { groups, ..report })
}

/// Goes up and down from day to day.
fn wave(day: i64) -> i64 {
    (day * 7) % 11
}

/// It was read before the thirtieth day.
fn backlog(days: i64) -> Option<Report<Backlog, Open>> {
    let ages = Backlog {
        open: 214,
        under_1_day: 40,
        under_3_days: 70,
        under_7_days: 54,
        under_30_days: 38,
        under_90_days: 10,
        older: 2,
    };
    by_days(days, ages, |day| Open { open: (day < 29).then_some(190 + wave(day) * 3) })
}

/// A desk at work for so many days.
fn documents(days: i64) -> Documents {
    let kept = |ok, late| Kept::new([ok, late, 3, 1]);
    Documents {
        volume: by_days(
            days,
            Flow { opened: 1_204, reopened: 31, closed: 1_190, merged: 12 },
            |day| Flow {
                opened: 40 + wave(day),
                reopened: wave(day) / 3,
                closed: 38 + wave(day + 3),
                merged: 1,
            },
        ),
        backlog: backlog(days),
        response: by_days(days, times(1_180, 2_700), |day| {
            times(wave(day), 1_800 + wave(day) * 240)
        }),
        resolution: by_days(days, times(1_190, 31_000), |day| {
            times(wave(day + 1), 25_000 + wave(day) * 1_900)
        }),
        sla: by_days(
            days,
            Attainment {
                first_response: kept(1_102, 78),
                next_response: kept(0, 0),
                resolution: kept(1_010, 180),
            },
            |day| Attainment {
                first_response: kept(30 + wave(day), 2 + wave(day + 1) / 3),
                next_response: kept(0, 0),
                resolution: kept(25 + wave(day), 4 + wave(day + 2)),
            },
        ),
        reopens: by_days(days, Reopens::new(1_190, 31), |day| {
            Reopens::new(38 + wave(day), wave(day) / 3)
        }),
        csat: by_days(days, Satisfaction::new(800, [8, 14, 30, 120, 171]), |day| {
            Satisfaction::new(27, [0, 1, wave(day) % 3, 4, wave(day)])
        }),
        load: loads((1..=12).map(|number| format!("Agent {number} of the first level"))),
        time: by_days(
            days,
            Minutes { entries: 320, charged_minutes: 11_400, not_charged_minutes: 3_120 },
            |day| Minutes {
                entries: 10,
                charged_minutes: 300 + wave(day) * 20,
                not_charged_minutes: 100 - wave(day),
            },
        ),
        mirror: mirror(&["SuiteCRM", "Salesforce of the subsidiary"]),
    }
}

fn mirror(names: &[&str]) -> Option<MirrorHealth> {
    let figures = Mirrored { pending: 3, parked: 1, conflicts: 0, lag_seconds: 2 };
    let connection = |name: &&str| ConnectionHealth {
        id: ConnectionId::new(),
        name: (*name).to_owned(),
        state: ConnectionState::Active,
        figures,
    };
    let connections = names.iter().map(connection).collect();
    Some(MirrorHealth { as_of: about(BucketSize::Day, 1).as_of, total: figures, connections })
}

fn form() -> Form {
    Form { fields: Vec::new(), shown: Period::Days30, query: Some(String::new()) }
}

fn viewer(name: &str) -> Actor {
    Actor { name: name.to_owned(), ..Actor::system() }
}

fn show(language: &str, documents: &Documents) -> String {
    dashboard(texts(language), &viewer("Coordinator"), &form(), Some(documents)).unwrap()
}

/// The part of the page that is one figure.
fn figure<'a>(page: &'a str, id: &str) -> &'a str {
    let (_, rest) = page.split_once(&format!("<figure id=\"{id}\"")).unwrap();
    rest.split_once("</figure>").unwrap().0
}

#[test]
fn every_figure_has_a_chart_with_a_name_and_a_table_in_each_language() {
    for language in ["en", "de"] {
        let page = show(language, &documents(30));
        assert!(page.contains(&format!("<html lang=\"{language}\">")));
        assert_eq!(page.matches("<figure ").count(), 12);
        for part in ["<table>", "<figcaption>"] {
            assert_eq!(page.matches(part).count(), 12, "{part}");
        }
        // What is now of each connection is no chart.
        for part in ["<canvas role=\"img\" aria-label=\"", "<details class=\"table\" open>"] {
            assert_eq!(page.matches(part).count(), 11, "{part}");
        }
        assert!(!page.contains("class=\"none\"") && !page.contains("{}"));
        for forbidden in ["http:", "https:", "style=", "<style", "javascript:"] {
            assert!(!page.contains(forbidden), "{forbidden}");
        }
    }
    let page = show("en", &documents(30));
    let volume = figure(&page, "volume");
    assert!(volume.contains("1,204 opened, 1,190 closed, 31 reopened."));
    assert!(volume.contains("<th scope=\"row\">1 Nov</th><td><data value=\"40.0\">40</data></td>"));
    assert!(
        figure(&page, "backlog").contains("<th scope=\"row\">30 Nov</th><td>–</td>"),
        "the future"
    );
    assert!(
        page.contains("1 Nov 2026 to 30 Nov 2026, Europe&#x2f;Vienna. As of 30 Nov 2026, 14:05.")
    );
}

#[test]
fn names_are_text_wherever_they_stand() {
    let evil = "</script><img src=x onerror=alert(1)>\"'&";
    let load = loads([evil.to_owned()].into_iter());
    let page =
        dashboard(texts("en"), &viewer(evil), &form(), Some(&Documents { load, ..documents(2) }))
            .unwrap();
    assert!(!page.contains("<img") && !page.contains(evil));
    assert_eq!(
        page.matches("&lt;&#x2f;script&gt;&lt;img src=x onerror=alert(1)&gt;&quot;&#x27;&amp;")
            .count(),
        2
    );
    let form = sign_in(Place::Below, texts("en"), Notice::Wrong, "a=\"><script>").unwrap();
    assert!(!form.contains("\"><script>"));
}

#[test]
fn a_desk_without_anything_says_so() {
    let nothing = Documents {
        volume: by_days(3, Flow::default(), |_| Flow::default()),
        backlog: by_days(3, Backlog::default(), |_| Open { open: Some(0) }),
        response: by_days(3, times(0, 0), |_| times(0, 0)),
        resolution: by_days(3, times(0, 0), |_| times(0, 0)),
        sla: by_days(3, Attainment::default(), |_| Attainment::default()),
        reopens: by_days(3, Reopens::new(0, 0), |_| Reopens::new(0, 0)),
        csat: by_days(3, Satisfaction::new(0, [0; 5]), |_| Satisfaction::new(0, [0; 5])),
        load: loads(std::iter::empty()),
        time: by_days(3, Minutes::default(), |_| Minutes::default()),
        mirror: mirror(&[]),
    };
    let page = show("en", &nothing);
    assert_eq!(page.matches("class=\"none\"").count(), 11, "all but the backlog over time");
    assert!(figure(&page, "csat").contains("Nobody answered a survey in this period."));
    assert!(!page.contains("NaN"));
}

#[test]
fn a_report_that_takes_too_long_leaves_the_others() {
    let page = show("de", &Documents { resolution: None, ..documents(7) });
    assert!(figure(&page, "resolution").contains("Das dauert zu lange."));
    assert_eq!(page.matches("<canvas").count(), 10);
}

#[test]
fn of_two_hundred_agents_the_busiest_are_drawn_and_all_are_in_the_table() {
    let mut documents = documents(1);
    documents.load = loads((0..50).map(|number| format!("Agent {number:03}")));
    let others = Load { open: 300, assigned: 5, closed: 7 };
    if let Some(load) = &mut documents.load {
        load.others = Some(Series { total: others, buckets: Vec::new() });
    }
    let page = show("en", &documents);
    let bodies: Vec<&str> = figure(&page, "load").split("<tbody>").skip(1).collect();
    let rows: Vec<usize> = bodies.iter().map(|body| body.matches("<tr>").count()).collect();
    assert_eq!(rows, [15, 36]);
    assert!(bodies[0].contains("Agent 014") && bodies[1].contains("Agent 015"));
    assert!(bodies[1].contains("All others</th><td><data value=\"300.0\">300<"));
}
