//! Writes the template of every line of standard input to standard output, as the training scripts use it.
//! With `--seconds` it prints only how long the rule itself took. Lines keep their order and their number.

use std::io::{self, BufWriter, Read, Write};
use std::time::Instant;

use turnstone_types::write_template;

fn main() -> io::Result<()> {
    let mut input = Vec::new();
    io::stdin().lock().read_to_end(&mut input)?;
    let input = String::from_utf8_lossy(&input);
    let mut out = String::new();
    if std::env::args().nth(1).as_deref() == Some("--seconds") {
        let started = Instant::now();
        let (mut lines, mut bytes) = (0_usize, 0_usize);
        for line in input.split_terminator('\n') {
            write_template(line, &mut out);
            lines += 1;
            bytes += out.len();
        }
        let seconds = started.elapsed().as_secs_f64();
        let rate = lines as f64 / seconds;
        return writeln!(
            io::stdout(),
            "{lines} lines, {bytes} bytes of templates, {seconds:.3} s, {rate:.0} lines/s"
        );
    }
    let mut stdout = BufWriter::new(io::stdout().lock());
    for line in input.split_terminator('\n') {
        write_template(line, &mut out);
        writeln!(stdout, "{out}")?;
    }
    stdout.flush()
}
