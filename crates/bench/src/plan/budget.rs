//! What a run may cost, in requests, tokens and money: refused before the start where it is clear
//! by then, and ended in time where it is not.

use super::PlanError;
use crate::given::{Given, check};
use crate::record::Sample;

/// Bounds on the whole run, warm-up included. All that are given hold.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Budget {
    /// Attempts, retries included.
    pub requests: Option<u64>,
    /// Tokens of prompts and answers together.
    pub tokens: Option<u64>,
    /// Money, in the currency of the prices. Needs prices.
    pub money: Option<f64>,
    /// What tokens cost.
    pub prices: Option<Prices>,
}

fields!(Budget { requests, tokens, money, prices } or |_of| Self::default());
by_serde!(Budget);

/// What a million tokens cost.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Prices {
    /// A million tokens of prompts.
    pub input_per_million: f64,
    /// A million tokens of answers.
    pub output_per_million: f64,
}

fields!(Prices {
    input_per_million,
    output_per_million
});
by_serde!(Prices);

/// What one request costs, or all so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Cost {
    /// Attempts.
    pub requests: u64,
    /// Tokens of prompts.
    pub input: u64,
    /// Tokens of answers.
    pub output: u64,
}

impl Cost {
    pub(crate) fn plus(self, other: Self) -> Self {
        Self {
            requests: self.requests.saturating_add(other.requests),
            input: self.input.saturating_add(other.input),
            output: self.output.saturating_add(other.output),
        }
    }

    fn minus(self, other: Self) -> Self {
        Self {
            requests: self.requests.saturating_sub(other.requests),
            input: self.input.saturating_sub(other.input),
            output: self.output.saturating_sub(other.output),
        }
    }

    pub(crate) fn times(self, count: u64) -> Self {
        Self {
            requests: self.requests.saturating_mul(count),
            input: self.input.saturating_mul(count),
            output: self.output.saturating_mul(count),
        }
    }
}

/// Which bound would be exceeded.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
pub enum OverBudget {
    /// Requests.
    #[error("{wanted} requests, where the budget allows {allowed}")]
    Requests {
        /// How many it would be.
        wanted: u64,
        /// How many are allowed.
        allowed: u64,
    },
    /// Tokens.
    #[error("up to {wanted} tokens, where the budget allows {allowed}")]
    Tokens {
        /// How many it might be.
        wanted: u64,
        /// How many are allowed.
        allowed: u64,
    },
    /// Money.
    #[error("up to {wanted:.2} in money, where the budget allows {allowed:.2}")]
    Money {
        /// How much it might be.
        wanted: f64,
        /// How much is allowed.
        allowed: f64,
    },
}

impl Budget {
    /// No bound.
    pub const NONE: Self = Self {
        requests: None,
        tokens: None,
        money: None,
        prices: None,
    };

    /// Whether it can be kept.
    pub(super) fn check(&self) -> Result<(), PlanError> {
        if let (Some(money), None) = (self.money, self.prices) {
            return Err(PlanError::Budget(format!(
                "money: found {money} without prices, expected prices of a million tokens beside it"
            )));
        }
        let (input, output) = self.prices.map_or((0.0, 0.0), |prices| {
            (prices.input_per_million, prices.output_per_million)
        });
        let given = [
            Given::not_negative("money", self.money.unwrap_or(0.0)),
            Given::not_negative("the price of input", input),
            Given::not_negative("the price of output", output),
        ];
        check(given).map_err(PlanError::Budget)
    }

    /// Whether `cost` stays within all bounds.
    ///
    /// ```
    /// use kneepoint_bench::plan::{Budget, Cost};
    ///
    /// let budget = Budget { tokens: Some(1000), ..Budget::default() };
    /// assert!(budget.allows(Cost { requests: 5, input: 400, output: 600 }).is_ok());
    /// let error = budget.allows(Cost { requests: 5, input: 401, output: 600 }).unwrap_err();
    /// assert_eq!(error.to_string(), "up to 1001 tokens, where the budget allows 1000");
    /// ```
    pub fn allows(&self, cost: Cost) -> Result<(), OverBudget> {
        if let Some(allowed) = self.requests
            && cost.requests > allowed
        {
            let wanted = cost.requests;
            return Err(OverBudget::Requests { wanted, allowed });
        }
        let tokens = cost.input.saturating_add(cost.output);
        if let Some(allowed) = self.tokens
            && tokens > allowed
        {
            return Err(OverBudget::Tokens {
                wanted: tokens,
                allowed,
            });
        }
        if let (Some(allowed), Some(prices)) = (self.money, self.prices) {
            let wanted = prices.of(cost);
            if wanted > allowed {
                return Err(OverBudget::Money { wanted, allowed });
            }
        }
        Ok(())
    }

    /// Refuses before the start what cannot be kept: so many requests of `each` at most.
    pub fn allows_run(&self, requests: u64, each: Cost) -> Result<(), OverBudget> {
        self.allows(each.times(requests))
    }
}

impl Prices {
    /// The price of so many tokens.
    pub fn of(&self, cost: Cost) -> f64 {
        let input = cost.input as f64 * self.input_per_million;
        let output = cost.output as f64 * self.output_per_million;
        (input + output) / 1e6
    }
}

/// What was spent, and what requests in flight may still cost. A request is counted at the most
/// that it may cost until it has ended, so that the bound holds at every moment.
#[derive(Debug, Clone)]
pub struct Spend {
    budget: Budget,
    spent: Cost,
    reserved: Cost,
}

impl Spend {
    /// Nothing spent yet.
    pub fn new(budget: Budget) -> Self {
        Self {
            budget,
            spent: Cost::default(),
            reserved: Cost::default(),
        }
    }

    /// What was spent by requests that have ended.
    pub const fn spent(&self) -> Cost {
        self.spent
    }

    /// Reserves what a request may cost, if the budget has room for it.
    pub fn reserve(&mut self, most: Cost) -> Result<(), OverBudget> {
        self.budget
            .allows(self.spent.plus(self.reserved).plus(most))?;
        self.reserved = self.reserved.plus(most);
        Ok(())
    }

    /// Replaces what was reserved by what it cost. Where nobody counted the tokens of an answer, the
    /// reserved ones are taken for spent; a request that never got one cost none.
    pub fn settle(&mut self, most: Cost, sample: &Sample) {
        self.reserved = self.reserved.minus(most);
        let unknown = if sample.is_ok() {
            most
        } else {
            Cost::default()
        };
        let counted = sample.tok_source != crate::record::TokenSource::Chunks;
        self.spent = self.spent.plus(Cost {
            requests: u64::from(sample.attempts),
            input: sample.in_tok.unwrap_or(unknown.input),
            output: sample.out_tok.filter(|_| counted).unwrap_or(unknown.output),
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::tests::sample;

    const EACH: Cost = Cost {
        requests: 1,
        input: 10,
        output: 100,
    };

    #[test]
    fn a_run_that_cannot_be_paid_is_refused_before_the_start() {
        let prices = Some(Prices {
            input_per_million: 1.0,
            output_per_million: 10.0,
        });
        #[rustfmt::skip]
        let cases = [
            (Budget { requests: Some(99), ..Budget::NONE },             false),
            (Budget { requests: Some(100), ..Budget::NONE },            true),
            (Budget { tokens: Some(10_999), ..Budget::NONE },           false),
            (Budget { tokens: Some(11_000), ..Budget::NONE },           true),
            (Budget { money: Some(0.10), prices, ..Budget::NONE },      false),
            (Budget { money: Some(0.11), prices, ..Budget::NONE },      true),
        ];
        for (budget, allowed) in cases {
            assert_eq!(budget.allows_run(100, EACH).is_ok(), allowed, "{budget:?}");
        }
        let huge = Budget {
            tokens: Some(1),
            ..Budget::NONE
        };
        assert!(
            huge.allows_run(u64::MAX, EACH).is_err(),
            "nothing overflows"
        );
    }

    #[test]
    fn what_is_in_flight_counts_at_its_most_until_it_has_ended() {
        let budget = Budget {
            tokens: Some(250),
            ..Budget::NONE
        };
        let mut spend = Spend::new(budget);
        assert!(spend.reserve(EACH).is_ok() && spend.reserve(EACH).is_ok());
        assert!(spend.reserve(EACH).is_err());
        // The first cost 3 + 10 tokens, so there is room for another one.
        spend.settle(EACH, &sample());
        assert!(spend.reserve(EACH).is_ok());
        assert_eq!(
            spend.spent(),
            Cost {
                requests: 1,
                input: 3,
                output: 10
            }
        );
    }

    #[test]
    fn money_without_prices_bounds_nothing_and_is_refused() {
        let budget = Budget {
            money: Some(1.0),
            ..Budget::NONE
        };
        assert!(budget.check().is_err());
    }
}
