package postgresdriver

import (
	"context"
	"embed"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// migrations are numbered from 1, and run in order. One that has been released never changes.
//
//go:embed migrations/*.sql
var migrations embed.FS

const (
	// schemaVersion is the number of the last migration.
	schemaVersion = 1
	// schemaServes is the oldest schemaVersion of a program that can still work after the last
	// migration: with it, old functions answer until the new ones are deployed.
	schemaServes = 1
)

// errSchema says that the database has tables that this program does not know, or none.
var errSchema = errors.New("the tables of this database are not what this program knows: run: postern store migrate")

// migrationLock is what migrations wait for each other by: "postern" in ASCII.
const migrationLock = 0x706f737465726e

const (
	readServer = `SELECT current_setting('server_encoding'), current_setting('server_version_num')::integer / 10000,
		current_setting('synchronous_commit')`
	readVersion  = `SELECT number, serves FROM postern.version`
	writeVersion = `WITH old AS (DELETE FROM postern.version)
		INSERT INTO postern.version (number, serves) VALUES ($1, $2)`
)

// check looks at a new connection: whether what is acknowledged there is durable, and whether
// the tables are known.
func check(ctx context.Context, conn *pgx.Conn) error {
	if err := checkServer(ctx, conn); err != nil {
		return err
	}
	var number, serves int
	if err := conn.QueryRow(ctx, readVersion).Scan(&number, &serves); err != nil {
		if code(err) == "3F000" || code(err) == "42P01" {
			return fmt.Errorf("there are no tables of Postern in the database: %w", errSchema)
		}
		return fmt.Errorf("look at the version of the tables: %w", err)
	}
	if number < schemaVersion || schemaVersion < serves {
		return fmt.Errorf("its tables are version %d and serve programs from %d on, this program knows %d: %w",
			number, serves, schemaVersion, errSchema)
	}
	return nil
}

// oldestServer is the oldest release of PostgreSQL that is supported.
const oldestServer = 14

func checkServer(ctx context.Context, conn *pgx.Conn) error {
	var encoding, durable string
	var release int
	if err := conn.QueryRow(ctx, readServer).Scan(&encoding, &release, &durable); err != nil {
		return fmt.Errorf("look at the server: %w", err)
	}
	switch {
	case release < oldestServer:
		return fmt.Errorf("the server is PostgreSQL %d: want %d or newer", release, oldestServer)
	case encoding != "UTF8":
		return fmt.Errorf("the database is encoded in %s: make one with ENCODING 'UTF8'", encoding)
	case durable == "off":
		return errors.New("synchronous_commit is off, so what is acknowledged may be lost: " +
			"say ALTER ROLE … SET synchronous_commit = on")
	}
	return nil
}

// A Migration is what Migrate did.
type Migration struct {
	From, To int // versions of the tables; equal if there was nothing to do
}

// A Grant lets a role of the database do what a server does, and nothing else.
type Grant struct {
	Role string
	// Read grants reading alone.
	Read bool
}

// Options are what a migration is besides. The zero value grants nothing.
type Options struct {
	// Owner is a role that owns the tables, so that every member of it may migrate them; empty
	// is who runs the migration.
	Owner  string
	Grants []Grant
}

// Migrate makes or changes the tables of the database that a STORE setting without "postgres:"
// names, and grants. Several at once wait for each other. Either all of it happens
// or nothing.
func Migrate(ctx context.Context, name string, cloudSQL CloudSQL, o Options) (Migration, error) {
	c, err := parse(name, cloudSQL)
	if err != nil {
		return Migration{}, err
	}
	defer func() { _ = c.close() }()
	to := c.parsed.ConnConfig.Copy()
	if err := c.reach(ctx, &to.Config); err != nil {
		return Migration{}, err
	}
	conn, err := pgx.ConnectConfig(ctx, to)
	if err != nil {
		return Migration{}, c.fault(err)
	}
	defer conn.Close(ctx)
	var m Migration
	err = pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
		if err := checkServer(ctx, conn); err != nil {
			return err
		}
		if o.Owner != "" {
			if _, err := tx.Exec(ctx, `SET LOCAL ROLE `+pgx.Identifier{o.Owner}.Sanitize()); err != nil {
				return fmt.Errorf("act as %s: %w", o.Owner, err)
			}
		}
		if m, err = migrate(ctx, tx); err != nil {
			return err
		}
		return grant(ctx, tx, o.Grants)
	})
	return m, err
}

func migrate(ctx context.Context, tx pgx.Tx) (m Migration, err error) {
	if _, err := tx.Exec(ctx, `SELECT pg_advisory_xact_lock($1)`, int64(migrationLock)); err != nil {
		return m, fmt.Errorf("wait for other migrations: %w", err)
	}
	if m.From, err = versionOf(ctx, tx); err != nil {
		return m, err
	}
	if m.From > schemaVersion {
		return m, fmt.Errorf("the tables are version %d, this program knows %d: take a newer one",
			m.From, schemaVersion)
	}
	for m.To = m.From; m.To < schemaVersion; m.To++ {
		sql, err := migrations.ReadFile(fmt.Sprintf("migrations/%04d.sql", m.To+1))
		if err != nil {
			return m, err
		}
		if _, err := tx.Exec(ctx, string(sql), pgx.QueryExecModeSimpleProtocol); err != nil {
			return m, fmt.Errorf("migration %d: %w", m.To+1, err)
		}
	}
	if m.From == m.To {
		return m, nil
	}
	_, err = tx.Exec(ctx, writeVersion, schemaVersion, schemaServes)
	return m, err
}

// versionOf returns the version of the tables, 0 if there are none. It makes their schema.
func versionOf(ctx context.Context, tx pgx.Tx) (number int, err error) {
	var there bool
	if err := tx.QueryRow(ctx, `SELECT to_regclass('postern.version') IS NOT NULL`).Scan(&there); err != nil {
		return 0, fmt.Errorf("look for the tables: %w", err)
	}
	if there {
		err = tx.QueryRow(ctx, `SELECT number FROM postern.version`).Scan(&number)
		return number, err
	}
	if _, err := tx.Exec(ctx, `CREATE SCHEMA IF NOT EXISTS postern`); err != nil {
		return 0, fmt.Errorf("make the schema: %w", err)
	}
	return 0, nil
}

// grant brings what roles may do up to date: one that may only read loses what it had besides.
func grant(ctx context.Context, tx pgx.Tx, grants []Grant) error {
	for _, g := range grants {
		role := pgx.Identifier{g.Role}.Sanitize()
		statements := []string{
			`REVOKE ALL ON ALL TABLES IN SCHEMA postern FROM ` + role,
			`GRANT USAGE ON SCHEMA postern TO ` + role,
			`GRANT SELECT ON postern.version, postern.documents, postern.labels TO ` + role,
		}
		if !g.Read {
			statements = append(statements,
				`GRANT SELECT, INSERT, UPDATE, DELETE ON postern.documents, postern.labels, postern.changes TO `+role)
		}
		for _, sql := range statements {
			if _, err := tx.Exec(ctx, sql); err != nil {
				return fmt.Errorf("grant to %s: %w", g.Role, err)
			}
		}
	}
	return nil
}
