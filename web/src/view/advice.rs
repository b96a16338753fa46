//! What a result means, below the verdict and in the same size as its small print.

use super::copy::copy;
use super::element::{Element, classed, element};
use crate::advice::Advice;

/// All there is to say.
pub(super) fn advice(all: Vec<Advice>) -> Element {
    let all = all.into_iter().map(one).collect();
    classed("div", "notices").test("advice").with_all(all)
}

fn one(advice: Advice) -> Element {
    let line = advice.line.map(|line| {
        let code = classed("code", "line").attr("tabindex", "0").text(&line);
        let copy = copy("copy-advice", "the line", move || line.clone());
        classed("p", "row").with(code).with(copy)
    });
    classed("div", "advice")
        .test(&("advice-".to_owned() + advice.name))
        .with(element("strong").text(&advice.title))
        .text(" ")
        .text(&advice.text)
        .with_some(line)
}
