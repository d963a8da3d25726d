package tool

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
)

// Servers of PostgreSQL and what stands in front of them.
var (
	// Postgres is the directory of PostgreSQL's programs: initdb, postgres, pg_basebackup.
	Postgres = Tool{Name: "PostgreSQL", Path: postgres}
	// Pgbouncer is the pool in front of PostgreSQL.
	Pgbouncer = Tool{Name: "PgBouncer", Path: pgbouncer}
)

// oldestPostgres is the oldest release whose server the driver is tested with.
const oldestPostgres = 14

// postgresDirs are where packages put PostgreSQL's programs, which Debian leaves off the
// PATH: one directory for each release.
var postgresDirs = []string{
	"/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin", "/opt/homebrew/opt/postgresql@*/bin",
}

// postgres finds the programs of the newest release.
func postgres() (string, error) {
	var found []string
	for _, pattern := range postgresDirs {
		dirs, _ := filepath.Glob(pattern) // the patterns are right
		found = append(found, dirs...)
	}
	found = slices.DeleteFunc(found, func(dir string) bool { return !serverIn(dir) || release(dir) < oldestPostgres })
	if len(found) > 0 {
		return slices.MaxFunc(found, func(a, b string) int { return release(a) - release(b) }), nil
	}
	if path, err := exec.LookPath("initdb"); err == nil && serverIn(filepath.Dir(path)) {
		return filepath.Dir(path), nil
	}
	return "", &Missing{
		What: "PostgreSQL's server is missing", Get: "sudo apt-get install postgresql", Debian: []string{"postgresql"},
	}
}

// serverIn reports whether dir has the programs of a server.
func serverIn(dir string) bool {
	return !slices.ContainsFunc([]string{"initdb", "postgres", "pg_basebackup"}, func(name string) bool {
		_, err := os.Stat(filepath.Join(dir, name))
		return err != nil
	})
}

// release is the first number in a path, such as 15 of /usr/lib/postgresql/15/bin.
func release(dir string) int {
	n, _ := strconv.Atoi(firstNumber.FindString(dir)) // digits, or none
	return n
}

// pgbouncer finds the program where Debian puts it, which is not on everybody's PATH.
func pgbouncer() (string, error) {
	const sbin = "/usr/sbin/pgbouncer"
	if _, err := os.Stat(sbin); err == nil {
		return sbin, nil
	}
	return program("pgbouncer", "sudo apt-get install pgbouncer", "pgbouncer")()
}
