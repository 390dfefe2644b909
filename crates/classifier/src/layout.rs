//! How the rows of a batch lie in its tensors: one after the other, in runs of rows with the same number of tokens.
//!
//! On a CPU rows of a run have the same length, so there is no padding and no mask. On a GPU, where many small kernels cost
//! more than some padding, a batch is one run whose rows are padded to the same length, with a mask.

use tch::{TchError, Tensor};

/// Rows of a batch that have the same number of tokens.
#[derive(Debug)]
pub(crate) struct Run {
    /// Index of its first row in the batch.
    pub first_row: i64,
    /// Number of rows.
    pub rows: i64,
    /// Index of its first token in the batch.
    pub first_token: i64,
    /// Tokens of each row, padding included.
    pub tokens: i64,
    /// True where there is a token and false where there is padding, `[rows, 1, 1, tokens]`; `None` without padding.
    pub mask: Option<Tensor>,
}

impl Run {
    /// This run's part of a tensor `[tokens, …]`, without copying.
    pub fn of(&self, packed: &Tensor) -> Result<Tensor, TchError> {
        packed.f_narrow(0, self.first_token, self.rows * self.tokens)
    }

    /// What attention takes as its mask: the padding, the family's `bias` (added to the scores), both or neither.
    pub fn mask_with(&self, bias: Option<Tensor>) -> Result<Option<Tensor>, TchError> {
        match (bias, &self.mask) {
            (Some(bias), Some(mask)) => Ok(Some(
                bias.f_masked_fill(&mask.f_logical_not()?, f64::NEG_INFINITY)?,
            )),
            (Some(bias), None) => Ok(Some(bias)),
            (None, mask) => Ok(mask.as_ref().map(Tensor::shallow_clone)),
        }
    }
}

/// The runs of a batch.
#[derive(Debug)]
pub(crate) struct Layout {
    /// In the order of their tokens.
    pub runs: Vec<Run>,
    /// Index of every row's first token, `[rows]`, i64, on the model's device.
    pub first_token_of_rows: Tensor,
}

impl Layout {
    /// The hidden state of each row's first token, `[rows, size]`.
    pub fn first_tokens(&self, packed: &Tensor) -> Result<Tensor, TchError> {
        packed.f_index_select(0, &self.first_token_of_rows)
    }

    /// Puts together what `answer` makes of each run, `[its tokens or rows, size]`.
    pub fn for_each_run(
        &self,
        mut answer: impl FnMut(&Run) -> Result<Tensor, TchError>,
    ) -> Result<Tensor, TchError> {
        if let [run] = self.runs.as_slice() {
            return answer(run);
        }
        let answers = self
            .runs
            .iter()
            .map(&mut answer)
            .collect::<Result<Vec<Tensor>, TchError>>()?;
        Tensor::f_cat(&answers, 0)
    }
}
