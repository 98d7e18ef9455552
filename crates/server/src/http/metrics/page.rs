//! The three kinds of metric, as samples with labels. `prometheus-client` writes them down.

use std::fmt;
use std::time::Duration;

use prometheus_client::encoding::{DescriptorEncoder, NoLabelSet};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::exemplar::Exemplar;
use stator_node::Distribution;

/// The labels of one sample; a metric without labels has one sample with none.
pub(super) type Labels = Vec<(&'static str, String)>;

/// A page that is being written.
pub(super) struct Page<'a>(DescriptorEncoder<'a>);

impl<'a> Page<'a> {
    pub(super) const fn new(encoder: DescriptorEncoder<'a>) -> Self {
        Self(encoder)
    }

    /// Something that only grows. `_total` is put behind the name.
    pub(super) fn counters(
        &mut self,
        name: &str,
        help: &str,
        samples: impl IntoIterator<Item = (Labels, f64)>,
    ) -> fmt::Result {
        let mut metric = self.0.encode_descriptor(name, help, None, MetricType::Counter)?;
        for (labels, value) in samples {
            let exemplar: Option<&Exemplar<NoLabelSet, f64>> = None;
            metric.encode_family(&labels)?.encode_counter(&value, exemplar)?;
        }
        Ok(())
    }

    /// The same, with one sample that has no labels.
    pub(super) fn counter(&mut self, name: &str, help: &str, value: u64) -> fmt::Result {
        self.counters(name, help, [(Labels::new(), value as f64)])
    }

    /// Something that goes up and down.
    pub(super) fn gauges(
        &mut self,
        name: &str,
        help: &str,
        samples: impl IntoIterator<Item = (Labels, f64)>,
    ) -> fmt::Result {
        let mut metric = self.0.encode_descriptor(name, help, None, MetricType::Gauge)?;
        for (labels, value) in samples {
            metric.encode_family(&labels)?.encode_gauge(&value)?;
        }
        Ok(())
    }

    /// The same, with one sample that has no labels.
    pub(super) fn gauge(&mut self, name: &str, help: &str, value: f64) -> fmt::Result {
        self.gauges(name, help, [(Labels::new(), value)])
    }

    /// Values by size; bounds and sum are divided by `unit` to be in the unit of the name.
    pub(super) fn histograms<'d>(
        &mut self,
        name: &str,
        help: &str,
        unit: f64,
        samples: impl IntoIterator<Item = (Labels, &'d Distribution)>,
    ) -> fmt::Result {
        let mut metric = self.0.encode_descriptor(name, help, None, MetricType::Histogram)?;
        for (labels, values) in samples {
            let bounds = values.bounds.iter().map(|&bound| bound as f64 / unit);
            let buckets: Vec<(f64, u64)> =
                bounds.chain([f64::INFINITY]).zip(values.counts.iter().copied()).collect();
            let sum = values.sum as f64 / unit;
            metric.encode_family(&labels)?.encode_histogram::<NoLabelSet>(
                sum,
                values.count(),
                &buckets,
                None,
            )?;
        }
        Ok(())
    }
}

/// Histograms that count microseconds are told in seconds.
pub(super) const MICROS_IN_A_SECOND: f64 = 1e6;

/// One label.
pub(super) fn by(name: &'static str, value: impl Into<String>) -> Labels {
    vec![(name, value.into())]
}

/// A yes or no.
pub(super) const fn flag(holds: bool) -> f64 {
    if holds { 1.0 } else { 0.0 }
}

/// A time in seconds.
pub(super) const fn seconds(time: Duration) -> f64 {
    time.as_secs_f64()
}
