package operator

import (
	"fmt"
	"strings"

	"github.com/postern-dev/postern/shared/store"
)

// Progress says how far the walk came.
func (r Resealed) Progress() string {
	n := r.total()
	return fmt.Sprintf("sealing records again: %.0f %%, %d seen, %d sealed again", 100*r.fraction(), n.Seen, n.Resealed)
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
