package bench

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/postern-dev/postern/shared/credential"
	"github.com/postern-dev/postern/shared/store/driver"
	"github.com/postern-dev/postern/shared/store/embedded"
)

const (
	few  = 1_000
	many = 1_000_000

	operations = 2000 // of each kind, at each size
)

// BenchmarkManyClients measures what a read and a write cost with a million clients in
// the embedded store, against a thousand. Filling it takes a minute and
// 1 GiB of disk; the bodies are written from one string, so memory stays small.
func BenchmarkManyClients(b *testing.B) {
	small, large := filled(b, few), filled(b, many)
	for name, op := range map[string]func(*embedded.Driver, int, int){
		"read":  func(d *embedded.Driver, n, i int) { read(b, d, n, i) },
		"write": func(d *embedded.Driver, _, i int) { write(b, d, i) },
	} {
		b.Run(name, func(b *testing.B) {
			var mine, theirs time.Duration
			for i := range operations {
				start := time.Now()
				op(large, many, i)
				middle := time.Now()
				op(small, few, i)
				mine, theirs = mine+middle.Sub(start), theirs+time.Since(middle)
			}
			b.ReportMetric(float64(mine.Nanoseconds())/1e3/operations, "us/million")
			b.ReportMetric(float64(theirs.Nanoseconds())/1e3/operations, "us/thousand")
			b.ReportMetric(0, "ns/op")
			b.ReportMetric(float64(mine)/float64(theirs), "x") // of the driver alone: no budget
		})
	}
}

var body = strings.Repeat("x", 400) // about what a sealed client takes

func client(i int) driver.Key {
	return driver.Key{Collection: "clients", ID: credential.Hash(fmt.Sprint("client ", i))}
}

// filled opens an embedded store in a directory of its own with n clients.
func filled(b *testing.B, n int) *embedded.Driver {
	b.Helper()
	d, err := embedded.Open(b.Context(), b.TempDir())
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { d.Close() })
	fill(b, d, "clients", n)
	return d
}

// fill writes n documents of a collection, which nobody asks for.
func fill(b *testing.B, d driver.Driver, collection string, n int) {
	b.Helper()
	const batch = 500
	for from := 0; from < n; from += batch {
		err := d.RunTransaction(b.Context(), func(_ context.Context, tx driver.Tx) error {
			for i := from; i < min(from+batch, n); i++ {
				key := driver.Key{Collection: collection, ID: client(i).ID}
				if err := tx.Create(key, driver.Document{Body: body}); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			b.Fatal(err)
		}
	}
}

func read(b *testing.B, d *embedded.Driver, n, i int) {
	if _, err := d.Get(b.Context(), client(i*7919%n)); err != nil {
		b.Fatal(err)
	}
}

var written int

func write(b *testing.B, d *embedded.Driver, _ int) {
	written++
	if err := d.Create(b.Context(), client(many+written), driver.Document{Body: body}); err != nil {
		b.Fatal(err)
	}
}
