package main

import (
	"os"
	"strings"
	"testing"
)

func TestTheTablesAreUpToDate(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../../docs/operations.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, table := range tables {
		if want := table.begin() + table.rows() + table.end(); !strings.Contains(string(page), want) {
			t.Errorf("docs/operations.md: got another table of %s, want\n%s\nrun: make docs", table.name, want)
		}
	}
}
