package operator

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/postern-dev/postern/shared/store"
)

// A Bar shows on a terminal how far a walk over all documents came. Elsewhere it
// writes nothing.
type Bar struct {
	w    io.Writer
	last time.Time
}

// NewBar returns a bar on w.
func NewBar(w io.Writer) *Bar {
	b := &Bar{}
	if f, ok := w.(*os.File); ok {
		if info, err := f.Stat(); err == nil && info.Mode()&os.ModeCharDevice != 0 {
			b.w = w
		}
	}
	return b
}

// Show draws the bar, ten times a second at most.
func (b *Bar) Show(r Resealed) {
	if b.w == nil || time.Since(b.last) < time.Second/10 {
		return
	}
	b.last = time.Now()
	const width = 30
	done := int(r.fraction() * width)
	n := r.total()
	fmt.Fprintf(b.w, "\r[%s%s] %3.0f %%  %-8s %d seen, %d sealed again ", strings.Repeat("#", done), strings.Repeat(".", width-done),
		100*r.fraction(), r.Last.Collection, n.Seen, n.Resealed)
}

// End leaves the bar's line.
func (b *Bar) End() {
	if b.w != nil {
		fmt.Fprintln(b.w)
	}
}

// fraction returns how much of the walk is done, 0 to 1. Nothing has to be counted for
// it: ids of documents are hashes, spread evenly, and the walk is in their order.
func (r Resealed) fraction() float64 {
	collections := store.Collections()
	for i, collection := range collections {
		if collection == r.Last.Collection {
			return (float64(i) + spot(r.Last.Document)) / float64(len(collections))
		}
	}
	return 0
}

// spot returns where an id stands among all ids, 0 to 1.
func spot(id string) float64 {
	const ascending = "-0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz"
	at, weight := 0.0, 1.0
	for _, c := range id[:min(len(id), 4)] {
		weight /= float64(len(ascending))
		at += float64(max(0, strings.IndexRune(ascending, c))) * weight
	}
	return at
}
