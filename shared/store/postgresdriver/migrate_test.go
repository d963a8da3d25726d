package postgresdriver

import (
	"errors"
	"strings"
	"sync"
	"testing"

	"github.com/postern-dev/postern/shared/store/driver"
	"github.com/postern-dev/postern/test/kit/postgres"
	"github.com/postern-dev/postern/test/kit/storetest"
)

// databaseOf is the last part of a test's URL.
func databaseOf(url string) string {
	address, _, _ := strings.Cut(url, "?")
	return address[strings.LastIndex(address, "/")+1:]
}

// Tables that are not there, or older, or too new, are no place to work in: the first use says
// which command helps, and nothing is taken for an answer.
func TestUnknownTablesAreRefused(t *testing.T) {
	s := postgres.Shared(t)
	faults := map[string]func(t *testing.T) driver.Driver{
		"none": func(t *testing.T) driver.Driver { return open(t, s.Database(t)) },
	}
	for name, change := range map[string]string{
		"older":           "UPDATE postern.version SET number = 0, serves = 0",
		"too new":         "UPDATE postern.version SET number = 99, serves = 98",
		"function gone":   "DROP FUNCTION postern.write; DROP TABLE postern.labels; DROP TABLE postern.documents",
		"no right to use": "REVOKE ALL ON SCHEMA postern FROM PUBLIC; CREATE ROLE stranger LOGIN",
	} {
		faults[name] = func(t *testing.T) driver.Driver {
			url := migrated(t, s)
			s.Exec(t, databaseOf(url), change)
			if name == "no right to use" {
				url = strings.Replace(url, postgres.User+"@", "stranger@", 1)
			}
			d := open(t, url)
			_, err := d.Get(t.Context(), key("x"))
			if err == nil || !strings.Contains(err.Error(), "postern store migrate") {
				t.Errorf("got %v, want an error that names the command", err)
			}
			return d
		}
	}
	storetest.RunFaults(t, faults)
}

// With a migration that still serves them, the programs of before go on until they are replaced.
func TestNewerTablesThatServeThisProgramAreUsed(t *testing.T) {
	s := postgres.Shared(t)
	url := migrated(t, s)
	s.Exec(t, databaseOf(url), "UPDATE postern.version SET number = 99, serves = 1")
	d := open(t, url)
	defer d.Close()
	if _, err := d.Get(t.Context(), key("x")); !errors.Is(err, driver.ErrNotFound) {
		t.Errorf("got %v, want ErrNotFound", err)
	}
}

func TestMigrationsWaitForEachOther(t *testing.T) {
	s := postgres.Shared(t)
	url := s.Database(t)
	var group sync.WaitGroup
	made := make(chan int, 8)
	for range cap(made) {
		group.Go(func() {
			m, err := Migrate(t.Context(), name(url), nil, Options{})
			if err != nil {
				t.Error(err)
			}
			made <- m.To - m.From
		})
	}
	group.Wait()
	close(made)
	total := 0
	for n := range made {
		total += n
	}
	if total != schemaVersion {
		t.Errorf("8 at once: got %d migrations, want each of %d once", total, schemaVersion)
	}
}

// A role that was granted does all that a server does, and cannot change the tables.
func TestGrantedRoleIsEnough(t *testing.T) {
	s := postgres.Shared(t)
	s.Exec(t, "postgres", `CREATE ROLE "token@my-project.iam" LOGIN`)
	storetest.Run(t, func(t *testing.T) driver.Driver {
		url := s.Database(t)
		o := Options{Grants: []Grant{{Role: "token@my-project.iam"}}}
		if _, err := Migrate(t.Context(), name(url), nil, o); err != nil {
			t.Fatal(err)
		}
		d := open(t, strings.Replace(url, postgres.User+"@", "token%40my-project.iam@", 1))
		if err := d.once(t.Context(), nil, "DROP TABLE postern.changes"); code(err) != "42501" {
			t.Errorf("DROP TABLE: got %v, want it refused", err)
		}
		return d
	}, nil)
}

// Whoever is a member of the owner migrates, whoever did before.
func TestMembersOfTheOwnerMigrate(t *testing.T) {
	s := postgres.Shared(t)
	url := s.Database(t)
	s.Exec(t, "postgres", "CREATE ROLE owners", "CREATE ROLE anna LOGIN IN ROLE owners",
		"CREATE ROLE ben LOGIN IN ROLE owners", "GRANT CREATE ON DATABASE "+databaseOf(url)+" TO owners")
	o := Options{Owner: "owners", Grants: []Grant{{Role: "ben"}}}
	for _, who := range []string{"anna", "ben"} {
		as := strings.Replace(url, postgres.User+"@", who+"@", 1)
		if _, err := Migrate(t.Context(), name(as), nil, o); err != nil {
			t.Errorf("%s: got %v, want no error", who, err)
		}
	}
}

// A role that may read gets no further, whatever it was granted before.
func TestReaderReadsAlone(t *testing.T) {
	s := postgres.Shared(t)
	s.Exec(t, "postgres", "CREATE ROLE reader LOGIN")
	url := migrated(t, s)
	for _, g := range []Grant{{Role: "reader"}, {Role: "reader", Read: true}} {
		if _, err := Migrate(t.Context(), name(url), nil, Options{Grants: []Grant{g}}); err != nil {
			t.Fatal(err)
		}
	}
	d := open(t, strings.Replace(url, postgres.User+"@", "reader@", 1))
	defer d.Close()
	_, get := d.Get(t.Context(), key("x"))
	_, list := d.List(t.Context(), driver.Query{Collection: "clients", Field: "owner", Value: "me", Limit: 1})
	if !errors.Is(get, driver.ErrNotFound) || list != nil {
		t.Errorf("Get: got %v, List: got %v; want answers", get, list)
	}
	if err := d.Create(t.Context(), key("x"), driver.Document{}); code(err) != "42501" {
		t.Errorf("Create: got %v, want it refused", err)
	}
	if _, err := d.Take(t.Context(), 1, 0); code(err) != "42501" {
		t.Errorf("Take: got %v, want it refused", err)
	}
}

// A server that loses what it acknowledged, or another alphabet, is refused before anything is
// written.
func TestUnsoundServerIsRefused(t *testing.T) {
	s := postgres.Shared(t)
	url := migrated(t, s)
	s.Exec(t, "postgres", "ALTER DATABASE "+databaseOf(url)+" SET synchronous_commit = off")
	d := open(t, url)
	defer d.Close()
	err := d.Create(t.Context(), key("x"), driver.Document{})
	if err == nil || !strings.Contains(err.Error(), "synchronous_commit") {
		t.Errorf("got %v, want an error that names synchronous_commit", err)
	}
	s.Exec(t, "postgres", "CREATE DATABASE latin ENCODING 'LATIN1' TEMPLATE template0")
	_, err = Migrate(t.Context(), name(s.URL("latin")), nil, Options{})
	if err == nil || !strings.Contains(err.Error(), "UTF8") {
		t.Errorf("Migrate in LATIN1: got %v, want an error that names UTF8", err)
	}
}
