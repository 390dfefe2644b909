//! Relative positions of DeBERTa-v2: which row of the table of relative embeddings stands for a distance.

use tch::{Device, Kind, TchError, Tensor};

/// How distances between tokens are told apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct RelativePositions {
    /// Distances beyond this, forward or back, count as this.
    pub max: i64,
    /// Number of buckets over both directions, where far distances share buckets; `None` keeps all apart.
    pub buckets: Option<i64>,
}

impl RelativePositions {
    /// Rows of the table that stand for distances in one direction.
    pub fn span(self) -> i64 {
        self.buckets.unwrap_or(self.max)
    }

    /// Rows of the table for the distances (place of the query less that of the key) `1 - longest` to `longest - 1`,
    /// i64 `[2 * longest - 1]`, on the CPU.
    pub fn table_rows(self, longest: i64) -> Result<Tensor, TchError> {
        let distances = Tensor::f_arange_start(1 - longest, longest, (Kind::Int64, Device::Cpu))?;
        let places = match self.buckets {
            Some(buckets) => log_buckets(&distances, buckets, self.max)?,
            None => distances,
        };
        let span = self.span();
        places
            .f_add_scalar(span)?
            .f_clamp(0, span.saturating_mul(2).saturating_sub(1))
    }
}

/// transformers' `make_log_bucket_position`: small distances keep themselves, larger ones share buckets that widen with
/// the logarithm, up to `max - 1`. By the same operations in the same precision, since what a bucket is depends on rounding.
fn log_buckets(distances: &Tensor, buckets: i64, max: i64) -> Result<Tensor, TchError> {
    let mid = buckets / 2;
    let within = distances.f_abs()?.f_lt(mid)?;
    let far = distances.f_abs()?.f_masked_fill(&within, mid - 1)?;
    let widest = Tensor::f_from_slice(&[((max - 1) as f64 / mid as f64) as f32])?.f_log()?;
    let in_logarithms = far
        .f_to_kind(Kind::Float)?
        .f_div_scalar(mid)?
        .f_log()?
        .f_div(&widest)?
        .f_mul_scalar(mid - 1)?
        .f_ceil()?
        .f_add_scalar(mid)?
        .f_mul(&distances.f_sign()?)?;
    let near = far.f_le(mid)?;
    distances
        .f_to_kind(Kind::Float)?
        .f_where_self(&near, &in_logarithms)?
        .f_to_kind(Kind::Int64)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn rows(positions: RelativePositions, longest: i64) -> Vec<i64> {
        Vec::try_from(positions.table_rows(longest).unwrap()).unwrap()
    }

    fn buckets(distances: &[i64], buckets: i64, max: i64) -> Vec<i64> {
        Vec::try_from(log_buckets(&Tensor::from_slice(distances), buckets, max).unwrap()).unwrap()
    }

    /// The values are those of transformers 4.57.
    #[test]
    fn buckets_are_those_of_transformers() {
        assert_eq!(
            buckets(
                &[
                    0, 1, 127, 128, 129, 130, 131, 150, 200, 255, 256, 300, 400, 500, 510, 511
                ],
                256,
                512
            ),
            [
                0, 1, 127, 128, 129, 130, 131, 143, 169, 192, 192, 207, 233, 254, 255, 255
            ]
        );
        assert_eq!(
            buckets(
                &[
                    -29, -20, -19, -12, -11, -7, -6, -5, -4, -1, 0, 4, 5, 6, 7, 11, 12, 19, 20
                ],
                8,
                20
            ),
            [-8, -8, -7, -7, -6, -6, -5, -5, -4, -1, 0, 4, 5, 5, 6, 6, 7, 7, 8]
        );
        // Over all distances of a row of 512 tokens, in one number.
        let all: Vec<i64> = (-511..=511).collect();
        let weighted = (0..).zip(buckets(&all, 256, 512));
        assert_eq!(
            weighted.map(|(index, bucket)| index * bucket).sum::<i64>(),
            54_914_426
        );
    }

    #[test]
    fn distances_without_buckets_stop_at_the_largest() {
        let positions = RelativePositions {
            max: 3,
            buckets: None,
        };
        assert_eq!(rows(positions, 5), [0, 0, 1, 2, 3, 4, 5, 5, 5]);
    }

    #[test]
    fn a_distance_and_its_opposite_lie_as_far_from_the_middle() {
        let positions = RelativePositions {
            max: 512,
            buckets: Some(256),
        };
        let rows = rows(positions, 512);
        assert_eq!(rows.len(), 1023);
        assert_eq!(
            (rows[511], rows[511 + 127], rows[511 + 511]),
            (256, 256 + 127, 511)
        );
        for distance in 1..=511 {
            // The farthest forward would be row 512, which the table does not have.
            let mirrored = (512 - rows[511 - distance]).min(511);
            assert_eq!(rows[511 + distance], mirrored, "{distance}");
        }
    }
}
