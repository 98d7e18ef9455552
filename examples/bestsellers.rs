//! Best sellers: how often each book was sold, counted by shops that never wait for each other (the
//! paper names sales rank and best-seller lists among the services that use Dynamo, section 1).
//!
//! Each book is one object that holds a count for every shop. A shop raises only its own, so that
//! concurrent versions merge by taking the higher count of each shop, and the sum is exact.
//!
//! ```text
//! stator demo                       (in another terminal; it prints the next line as it must be)
//! export STATOR_CLIENT_KEY=$(STATOR_SECRET_FILE=… stator secret --client)   (else over HTTP)
//! cargo run --release --example bestsellers
//! ```
//!
//! It ends with status 1 if the counts are not those of the sales.

use std::collections::BTreeMap;
use std::error::Error;
use std::process::ExitCode;

use serde::{Deserialize, Serialize};
use stator_client::{Bucket, Merge, RingClient, RingOptions, TypedError};

/// The sales of one book, by shop.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Sales {
    by_shop: BTreeMap<String, u64>,
}

impl Sales {
    fn total(&self) -> u64 {
        self.by_shop.values().sum()
    }
}

impl Merge for Sales {
    fn merge(siblings: Vec<Self>) -> Self {
        let mut by_shop: BTreeMap<String, u64> = BTreeMap::new();
        for (shop, count) in siblings.into_iter().flat_map(|sales| sales.by_shop) {
            let most = by_shop.entry(shop).or_default();
            *most = count.max(*most);
        }
        Self { by_shop }
    }
}

const BOOKS: [&str; 5] =
    ["Middlemarch", "The Leopard", "Dune", "Invisible Cities", "The Left Hand of Darkness"];
const SHOPS: usize = 6;
const SALES: usize = 45;

/// Which book a sale is of: each sells better than the next.
fn sold_next(sale: usize) -> usize {
    match sale % 15 {
        0..5 => 0,
        5..9 => 1,
        9..12 => 2,
        12..14 => 3,
        _ => 4,
    }
}

/// Sells books in all shops at once: the list of best sellers, and what was sold.
pub(crate) async fn sell(
    options: RingOptions,
) -> Result<(Vec<(u64, String)>, BTreeMap<String, u64>), Box<dyn Error + Send + Sync>> {
    let season = std::process::id();
    let shops = (0..SHOPS).map(|shop| {
        let books: Bucket<Sales> = RingClient::new(options.clone()).bucket("sales");
        tokio::spawn(async move {
            let mut sold: BTreeMap<String, u64> = BTreeMap::new();
            for sale in 0..SALES {
                let book = BOOKS[sold_next(shop + sale)];
                let count = sold.entry(book.to_owned()).or_default();
                *count += 1;
                // The shop says what its count is, not that it be raised: saying it twice is the
                // same, so that a sale whose write is in doubt is simply said again.
                books
                    .update(format!("{season}/{book}"), |sales| {
                        sales.by_shop.insert(format!("shop-{shop}"), *count);
                    })
                    .await?;
            }
            Ok::<_, TypedError>(sold)
        })
    });
    let mut sold: BTreeMap<String, u64> = BTreeMap::new();
    for shop in shops.collect::<Vec<_>>() {
        for (book, count) in shop.await?? {
            *sold.entry(book).or_default() += count;
        }
    }
    let books: Bucket<Sales> = RingClient::new(options).bucket("sales");
    let mut list = Vec::new();
    for book in BOOKS {
        let sales = books.get(format!("{season}/{book}")).await?;
        list.push((sales.value.unwrap_or_default().total(), book.to_owned()));
    }
    list.sort_by(|one, other| other.cmp(one));
    Ok((list, sold))
}

#[tokio::main]
#[cfg_attr(test, allow(dead_code))]
async fn main() -> ExitCode {
    let sold = match RingOptions::from_environment() {
        Ok(options) => sell(options).await,
        Err(error) => Err(error.into()),
    };
    match sold {
        Ok((list, sold)) => {
            for (rank, (count, book)) in (1..).zip(&list) {
                println!("{rank}. {book}: {count} sold");
            }
            let wrong = list
                .iter()
                .filter(|(count, book)| sold.get(book).copied().unwrap_or_default() != *count)
                .count();
            println!("books whose count is wrong: {wrong}");
            if wrong == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
        }
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}
