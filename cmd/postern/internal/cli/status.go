package cli

import (
	"errors"
	"fmt"
)

// The exit statuses. Anything that could not be done, found or read is Failed.
const (
	OK     = 0
	Failed = 1
	Misuse = 2 // the command line is wrong, or lacks --yes
)

// A usageError says that the command line has to be changed.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

// Usage returns an error about the command line, in the words of fmt.Errorf.
func Usage(format string, args ...any) error { return usageError{fmt.Errorf(format, args...)} }

// IsUsage reports whether err is about the command line.
func IsUsage(err error) bool {
	_, ok := errors.AsType[usageError](err)
	return ok
}

// Status returns the exit status for the error of a command.
func Status(err error) int {
	switch {
	case err == nil:
		return OK
	case IsUsage(err):
		return Misuse
	}
	return Failed
}
