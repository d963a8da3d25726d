package postgresdriver

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/postern-dev/postern/shared/store/driver"
)

// errStandby says that a server only follows another one, so what it does not have says
// nothing.
var errStandby = errors.New("the PostgreSQL server is a standby: name the primary in STORE, or name both and add " +
	"target_session_attrs=read-write")

// errNoConnection says that a call was not made, for want of a connection.
var errNoConnection = errors.New("no connection")

// The codes (SQLSTATE) of our own function.
const (
	codeConflict = "PS001"
	codeExists   = "PS002"
)

// conflicted reports whether a commit did not happen because of another writer: our own word
// for that, a failed serialisation, a deadlock.
func conflicted(err error) bool {
	return slices.Contains([]string{codeConflict, "40001", "40P01"}, code(err))
}

// code returns the SQLSTATE of an error that PostgreSQL said, or "".
func code(err error) string {
	if said, ok := errors.AsType[*pgconn.PgError](err); ok {
		return said.Code
	}
	return ""
}

// elsewhere reports whether another connection may fare better: this one was lost, or its
// server ends, starts or has become a standby.
func elsewhere(err error) bool {
	switch c := code(err); {
	case errors.Is(err, errStandby), strings.HasPrefix(c, "08"), strings.HasPrefix(c, "57P"), c == "25006":
		return true
	case c != "", errors.Is(err, errSchema), errors.Is(err, errNoConnection),
		errors.Is(err, driver.ErrMalformed), errors.Is(err, context.Canceled):
		return false
	}
	return true
}

// unanswered reports whether err leaves open what became of a call: the connection or the
// server ended before it said.
func unanswered(err error) bool {
	c := code(err)
	return !errors.Is(err, errNoConnection) && (c == "" || strings.HasPrefix(c, "08") || strings.HasPrefix(c, "57P"))
}

// fault is an error of PostgreSQL's as the contract and an operator want it.
func (c *config) fault(err error) error {
	switch code(err) {
	case codeExists:
		return fmt.Errorf("%w: %w", driver.ErrExists, err)
	case "3D000":
		return fmt.Errorf("%w: PostgreSQL has no database %q at %s: correct STORE, or create the database: %w",
			driver.ErrNoDatabase, c.database(), c.where(), err)
	case "3F000", "42P01", "42883", "42703":
		return fmt.Errorf("%w: %w", errSchema, err)
	case "42501":
		return fmt.Errorf("the role %q may not use the tables: run: postern store migrate --grant %s: %w",
			c.user(), c.user(), err)
	}
	return err
}
