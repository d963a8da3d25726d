package main

import (
	"os"
	"strings"
	"testing"
)

func TestTheTableOfEventsIsUpToDate(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../../docs/operations.md")
	if err != nil {
		t.Fatal(err)
	}
	if want := begin + table() + end; !strings.Contains(string(page), want) {
		t.Errorf("docs/operations.md: got another table of events, want\n%s\nrun: make docs", want)
	}
}
