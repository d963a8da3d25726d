package pages

import "time"

// A Duration is a time as a text says it: a number of one unit, which the text "duration" puts
// in words.
type Duration struct {
	N    int
	Unit string // "days", "hours", "minutes" or "seconds"
}

// InWords returns d in the largest unit of which there are two.
func InWords(d time.Duration) Duration {
	const day = 24 * time.Hour
	switch {
	case d >= 2*day:
		return Duration{int(d / day), "days"}
	case d >= 2*time.Hour:
		return Duration{int(d / time.Hour), "hours"}
	case d >= 2*time.Minute:
		return Duration{int(d / time.Minute), "minutes"}
	}
	return Duration{int(d / time.Second), "seconds"}
}

// Few reports whether N takes the plural that some languages have for three to ten of a thing (CLDR, few).
func (d Duration) Few() bool { return d.N%100 >= 3 && d.N%100 <= 10 }
