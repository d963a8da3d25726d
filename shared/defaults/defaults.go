// Package defaults says once what a Config that leaves out its log or its clock means.
package defaults

import (
	"log/slog"
	"time"
)

// Log returns log, or a logger that discards every line if it is nil.
func Log(log *slog.Logger) *slog.Logger {
	if log == nil {
		return slog.New(slog.DiscardHandler)
	}
	return log
}

// Now returns now, or time.Now if it is nil.
func Now(now func() time.Time) func() time.Time {
	if now == nil {
		return time.Now
	}
	return now
}
