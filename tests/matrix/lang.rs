// SPDX-License-Identifier: GPL-2.0-or-later
//
// Rust: generics, closures, a boxed trait object, a panic that is caught.
//
// stack: (.*;)?lang_rust::(deep|main)[^;]*;(.*;)?main;
use std::time::{Duration, Instant};

trait Shape {
    fn area(&self, n: u64) -> u64;
}

struct Square(u64);

impl Shape for Square {
    #[inline(never)]
    fn area(&self, n: u64) -> u64 {
        leaf(self.0 + n) + self.0
    }
}

#[inline(never)]
fn leaf(n: u64) -> u64 {
    let mut x = n;
    for i in 0..2000 {
        x = std::hint::black_box(x.wrapping_mul(31) ^ i);
    }
    x
}

#[inline(never)]
fn deep(n: u64, s: &dyn Shape) -> u64 {
    let r = if n > 0 { deep(n - 1, s) } else { s.area(n) };
    std::hint::black_box(r) + n
}

fn main() {
    let ms: u64 = std::env::var("MATRIX_MS").ok().and_then(|s| s.parse().ok()).unwrap_or(500);
    let idle: u64 = std::env::var("MATRIX_IDLE_MS").ok().and_then(|s| s.parse().ok()).unwrap_or(300);
    std::thread::sleep(Duration::from_millis(idle));
    std::panic::set_hook(Box::new(|_| {}));
    let end = Instant::now() + Duration::from_millis(ms);
    let s: Box<dyn Shape> = Box::new(Square(3));
    let mut sum = 0u64;
    while Instant::now() < end {
        sum = sum.wrapping_add(deep(30, &*s));
        let mut v: Vec<u64> = (0..200).map(|i| leaf(i) % 101).collect();
        v.sort_by_key(|x| std::hint::black_box(*x));
        let r = std::panic::catch_unwind(|| {
            if std::hint::black_box(true) {
                panic!("caught")
            }
        });
        sum += r.is_err() as u64 + v[0];
    }
    std::hint::black_box(sum);
}
