//! The ring as a drawing: partitions clockwise from the top in the order of tokens, and in each a
//! band for every replica, the first one outside.

use std::f64::consts::TAU;
use std::fmt::Write as _;

use maud::{Markup, html};
use stator_core::identity::NodeId;
use stator_core::membership::admin::{ClusterStatus, MemberState, MemberStatus};
use stator_core::ring::Ring;
use stator_core::token::Partition;
use stator_core::view::View;

use super::show;

const SIZE: f64 = 400.0;
const CENTRE: f64 = SIZE / 2.0;
/// The middle of the outermost band, and how wide bands are together.
const OUTER: f64 = 172.0;
const BANDS_WIDTH: f64 = 84.0;
const GAP: f64 = 2.0;
/// Where it is marked that a partition moves.
const MOVING: f64 = 190.0;
/// Past so many partitions only first replicas are drawn, and past the second number nothing is:
/// nobody could tell them apart.
const ALL_BANDS: u32 = 512;
const ONE_BAND: u32 = 2048;

/// What is drawn.
pub(super) struct Wheel<'a> {
    pub(super) ring: &'a Ring,
    pub(super) cluster: &'a ClusterStatus,
    pub(super) view: &'a View,
    pub(super) selected: Option<Partition>,
}

impl Wheel<'_> {
    pub(super) fn draw(&self) -> Markup {
        let partitions = self.ring.partitions.get();
        if partitions > ONE_BAND {
            return html! {
                p class="notice" { "The ring has " (partitions) " partitions: too many to be drawn." }
            };
        }
        let down = self.cluster.members.iter().filter(|m| m.state == MemberState::Down).count();
        html! {
            svg class="wheel" viewBox={ "0 0 " (SIZE) " " (SIZE) } {
                title { "Who owns what: one band for each replica, the first outside" }
                @for partition in self.ring.partitions.all() { (self.partition(partition)) }
                @if let Some(selected) = self.selected { (self.outline(selected)) }
                text class="wheel-title" x=(CENTRE) y="188" { "ring " (self.ring.version.0) }
                text x=(CENTRE) y="208" { (partitions) " partitions" }
                text x=(CENTRE) y="226" {
                    (self.ring.members.len()) @if self.ring.members.len() == 1 { " node" } @else { " nodes" }
                    @if down > 0 { tspan class="bad" { ", " (down) " down" } }
                }
            }
        }
    }

    fn partition(&self, partition: Partition) -> Markup {
        let owners = &self.ring.table[partition.index()];
        let names: Vec<&str> = owners.iter().map(|owner| self.name(*owner)).collect();
        let bands = if self.ring.partitions.get() > ALL_BANDS { 1 } else { owners.len() };
        let width = (BANDS_WIDTH / bands.max(1) as f64).min(26.0);
        let moves = self.view.is_moving(partition);
        // The keyboard chooses a partition by its number: a stop for each would be too many.
        html! {
            a href={ "/console?partition=" (partition.get()) } tabindex="-1" {
                title {
                    "partition " (partition.get()) ": " (names.join(", "))
                    @if moves { ", moving" }
                }
                @for (band, owner) in owners.iter().take(bands).enumerate() {
                    path class={ "band w" (bands) " " (self.colour(*owner)) @if self.is_down(*owner) { " down" } }
                        stroke-width=(round(width - GAP))
                        d=(self.arc(partition, OUTER - width * band as f64)) {}
                }
                @if moves { path class="moving" d=(self.arc(partition, MOVING)) {} }
            }
        }
    }

    /// A frame around a partition.
    fn outline(&self, partition: Partition) -> Markup {
        let (from, to) = self.angles(partition);
        let (outer, inner) = (OUTER + 15.0, OUTER - BANDS_WIDTH + 12.0);
        let mut path = String::new();
        for (lead, radius, angle) in
            [("M", outer, from), ("L", outer, to), ("L", inner, to), ("L", inner, from)]
        {
            let (x, y) = point(radius, angle);
            // Writing to a string can't fail.
            let _ = write!(path, "{lead}{x:.1} {y:.1}");
        }
        path.push('Z');
        html! { path class="selected" d=(path) {} }
    }

    fn arc(&self, partition: Partition, radius: f64) -> String {
        let (from, to) = self.angles(partition);
        let ((x0, y0), (x1, y1)) = (point(radius, from), point(radius, to));
        let large = u8::from(to - from > TAU / 2.0);
        format!("M{x0:.1} {y0:.1}A{radius:.1} {radius:.1} 0 {large} 1 {x1:.1} {y1:.1}")
    }

    /// Where a partition begins and ends, less a gap to the next one.
    fn angles(&self, partition: Partition) -> (f64, f64) {
        let whole = TAU / f64::from(self.ring.partitions.get());
        let from = whole * f64::from(partition.get());
        let gap = (whole * 0.1).clamp(0.0005, 0.01);
        (from, from + whole - gap)
    }

    fn member(&self, node: NodeId) -> Option<&MemberStatus> {
        self.cluster.members.iter().find(|member| member.id == node)
    }

    fn name(&self, node: NodeId) -> &str {
        self.member(node).map_or("?", |member| &member.name)
    }

    fn is_down(&self, node: NodeId) -> bool {
        self.member(node).is_none_or(|member| member.state == MemberState::Down)
    }

    fn colour(&self, node: NodeId) -> String {
        show::colour(&self.cluster.members, node)
    }
}

/// A place on a circle; angles begin at the top and go clockwise.
fn point(radius: f64, angle: f64) -> (f64, f64) {
    (CENTRE + radius * angle.sin(), CENTRE - radius * angle.cos())
}

fn round(number: f64) -> f64 {
    (number * 10.0).round() / 10.0
}
