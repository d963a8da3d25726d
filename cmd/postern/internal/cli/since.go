package cli

import (
	"errors"
	"time"
)

// Since is a flag that takes a time in the past: how long ago it was, like 36h, or a
// date, like 2026-03-01 or 2026-03-01T12:00:00Z.
type Since struct{ time.Time }

// Set implements pflag.Value. A date without a time begins at midnight of this
// computer's zone.
func (s *Since) Set(text string) error {
	if ago, err := time.ParseDuration(text); err == nil && ago >= 0 {
		s.Time = time.Now().Add(-ago)
		return nil
	}
	if t, err := time.Parse(time.RFC3339, text); err == nil {
		s.Time = t
		return nil
	}
	if t, err := time.ParseInLocation(time.DateOnly, text, time.Local); err == nil {
		s.Time = t
		return nil
	}
	return errors.New("want how long ago, like 36h, or a date, like 2026-03-01 or 2026-03-01T12:00:00Z")
}

// String implements pflag.Value.
func (s *Since) String() string {
	if s.IsZero() {
		return ""
	}
	return s.Format(time.RFC3339)
}

// Type implements pflag.Value.
func (*Since) Type() string { return "duration|date" }
