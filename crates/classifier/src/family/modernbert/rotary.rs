//! Rotary position embeddings: a query or key is turned by angles that grow with its place, so that their product depends
//! on the distance.

use tch::{Device, Kind, TchError, Tensor};

/// The angles of every place up to the longest row, for one base.
pub(super) struct RotaryTable {
    /// Cosines and sines, each `[longest, head size / 2]`.
    cos: Tensor,
    sin: Tensor,
}

/// The turn of each token of a batch.
pub(super) struct Rotation {
    /// `[tokens, 1, 1, head size / 2]`, as are the others.
    cos: Tensor,
    sin: Tensor,
    minus_sin: Tensor,
}

impl RotaryTable {
    /// transformers' default kind: the angle of place p for pair n is `p * base^(-2n / head size)`, in f32; then the
    /// precision of the model.
    pub fn new(
        base: f64,
        head_size: i64,
        longest: i64,
        kind: Kind,
        device: Device,
    ) -> Result<Self, TchError> {
        let exponents = Tensor::f_arange_start_step(0, head_size, 2, (Kind::Int64, Device::Cpu))?
            .f_to_kind(Kind::Float)?
            .f_div_scalar(head_size)?;
        let frequencies = Tensor::f_pow_scalar(base, &exponents)?.f_reciprocal()?;
        let places = Tensor::f_arange(longest, (Kind::Float, Device::Cpu))?;
        let angles = places.f_outer(&frequencies)?;
        Ok(Self {
            cos: angles.f_cos()?.f_to_device(device)?.f_to_kind(kind)?,
            sin: angles.f_sin()?.f_to_device(device)?.f_to_kind(kind)?,
        })
    }

    /// The turns of tokens at `positions`, `[tokens]`.
    pub fn at(&self, positions: &Tensor) -> Result<Rotation, TchError> {
        let by_token = |table: &Tensor| table.f_index_select(0, positions)?.f_unsqueeze(1)?.f_unsqueeze(1);
        let sin = by_token(&self.sin)?;
        Ok(Rotation {
            cos: by_token(&self.cos)?,
            minus_sin: sin.f_neg()?,
            sin,
        })
    }
}

impl Rotation {
    /// Turns `[tokens, parts, heads, head size]`: number n of the first half and number n of the second are a pair.
    pub fn turn(&self, input: &Tensor) -> Result<Tensor, TchError> {
        let half = input.size4()?.3 / 2;
        let output = Tensor::f_empty(input.size(), (input.kind(), input.device()))?;
        let (left, right) = (input.f_narrow(3, 0, half)?, input.f_narrow(3, half, half)?);
        let (left_out, right_out) = (output.f_narrow(3, 0, half)?, output.f_narrow(3, half, half)?);
        // What these answer are the halves of the output themselves.
        let _ = left
            .f_mul_out(&left_out, &self.cos)?
            .f_addcmul_(&right, &self.minus_sin)?;
        let _ = right
            .f_mul_out(&right_out, &self.cos)?
            .f_addcmul_(&left, &self.sin)?;
        Ok(output)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    /// The expected values are those of transformers 4.57.
    #[test]
    fn turns_as_transformers_does() {
        let table = RotaryTable::new(160_000.0, 8, 64, Kind::Float, Device::Cpu).unwrap();
        let input = Tensor::arange(16, (Kind::Float, Device::Cpu))
            .f_div_scalar(8)
            .unwrap();
        let input = input.view([2, 1, 1, 8]);
        let rotation = table.at(&Tensor::from_slice(&[0_i64, 37])).unwrap();
        let turned = rotation.turn(&input).unwrap();
        let turned: Vec<f32> = Vec::try_from(turned.view([16])).unwrap();
        let expected: [f32; 16] = [
            0.0,
            0.125,
            0.25,
            0.375,
            0.5,
            0.625,
            0.75,
            0.875,
            1.730_721_2,
            -1.872_111_3,
            1.083_011_9,
            1.366_313_5,
            0.504_583,
            0.633_600_4,
            1.857_978_8,
            1.881_339_3,
        ];
        for (turned, expected) in turned.iter().zip(&expected) {
            assert!((turned - expected).abs() < 1e-6, "{turned} is not {expected}");
        }
    }
}
