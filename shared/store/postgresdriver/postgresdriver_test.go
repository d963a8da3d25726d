package postgresdriver

import (
	"os"
	"strings"
	"testing"

	"github.com/postern-dev/postern/shared/store/driver"
	"github.com/postern-dev/postern/test/kit/postgres"
	"github.com/postern-dev/postern/test/kit/storetest"
)

func TestMain(m *testing.M) {
	if url := os.Getenv(childURL); url != "" {
		os.Exit(child(url))
	}
	os.Exit(postgres.Run(m))
}

// migrated returns an empty database with our tables.
func migrated(t *testing.T, s *postgres.Server) (url string) {
	t.Helper()
	url = s.Database(t)
	if _, err := Migrate(t.Context(), name(url), nil, Options{}); err != nil {
		t.Fatal(err)
	}
	return url
}

// name is what Open wants of a STORE setting.
func name(setting string) string { return strings.TrimPrefix(setting, "postgres:") }

func open(t *testing.T, url string) *Driver {
	t.Helper()
	d, err := Open(t.Context(), name(url), nil)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func openEmpty(t *testing.T) driver.Driver { return open(t, migrated(t, postgres.Shared(t))) }

// The same contract as every driver, on a real server (SC-22).
func TestPostgresKeepsTheContract(t *testing.T) {
	storetest.Run(t, openEmpty, &storetest.Options{Consumers: 64})
}

// A pool that lends every call another connection changes nothing of it.
func TestContractHoldsBehindPgbouncer(t *testing.T) {
	s := postgres.Shared(t)
	bounced := postgres.Bounced(t, s)
	storetest.Run(t, func(t *testing.T) driver.Driver { return open(t, bounced(migrated(t, s))) }, nil)
}

// Nor does a database whose transactions are stricter: what it cannot bring in order runs again.
func TestContractHoldsWhereTransactionsAreSerializable(t *testing.T) {
	s := postgres.Start(t, "default_transaction_isolation=serializable")
	storetest.Run(t, func(t *testing.T) driver.Driver { return open(t, migrated(t, s)) }, nil)
}

func TestPostgresQueueKeepsTheContract(t *testing.T) { storetest.RunQueue(t, openEmpty) }
