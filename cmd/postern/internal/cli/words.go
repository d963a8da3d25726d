package cli

import (
	"fmt"
	"time"
)

// Count says a number of things: "1 client", "2 clients".
func Count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

// Time shows a time to people, in their own zone, which it names; "-" for none.
func Time(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.Local().Format("2006-01-02 15:04 MST")
}

// Clock shows the time of a day to people, in their own zone, which it names.
func Clock(t time.Time) string { return t.Local().Format("15:04:05 MST") }
