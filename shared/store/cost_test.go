package store_test

import (
	"testing"

	"github.com/postern-dev/postern/shared/store"
	"github.com/postern-dev/postern/test/kit/memory"
)

// What each verb costs at the keeper. A request adds the reads of its own lookups.
func TestCost(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	counter := memory.Count(memory.New(nil))
	h.Store = h.over(t, counter, grace)
	ctx := t.Context()
	want := func(name string, reads, commits int64) {
		t.Helper()
		if got := counter.Take(); got != (memory.Cost{Reads: reads, Commits: commits}) {
			t.Errorf("%s costs %+v, want %d reads and %d commits", name, got, reads, commits)
		}
	}
	if err := h.NoteRefusal(ctx, "github:7", "stranger"); err != nil {
		t.Fatal(err)
	}
	want("NoteRefusal", 0, 1)
	c := h.register(t, "c_1")
	want("RegisterClient", 0, 1)
	if _, err := h.Client(ctx, "c_1"); err != nil {
		t.Fatal(err)
	}
	want("Client", 1, 0)
	code := h.issue(t, c.ID)
	want("IssueCode, first login of a client", 1, 1)
	h.issue(t, c.ID)
	want("IssueCode, later login", 1, 1)
	red := h.redeem(t, code, c)
	want("RedeemCode", 1, 1)
	next := h.rotate(t, red.Refresh, c.ID)
	want("Rotate", 1, 1)
	h.rotate(t, red.Refresh, c.ID)
	if got := counter.Take(); got.Reads != 1 || got.Commits > 1 {
		t.Errorf("Rotate in grace costs %+v, want 1 read and at most 1 commit", got)
	}
	if _, err := h.LiveGrant(ctx, red.Grant.ID); err != nil {
		t.Fatal(err)
	}
	want("LiveGrant", 2, 0)
	if _, _, err := h.RedeemCode(ctx, code, "", c, func(store.Code) error { return errDown }); err == nil {
		t.Fatal("got success")
	}
	want("RedeemCode refused by its check", 1, 0)
	if err := h.RevokeGrant(ctx, red.Grant.ID, "test", nil); err != nil {
		t.Fatal(err)
	}
	want("RevokeGrant", 1, 1)
	if _, err := h.Rotate(ctx, next.Refresh, c.ID, allowGrant); err == nil {
		t.Fatal("got success")
	}
	want("Rotate of a dead grant", 1, 0)
}

// The cost of a request must not grow with the house: no verb lists.
func TestCostDoesNotGrow(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	counter := memory.Count(memory.New(nil))
	h.Store = h.over(t, counter, grace)
	for _, id := range []string{"c_1", "c_2", "c_3", "c_4"} {
		c := h.register(t, id)
		counter.Take()
		h.rotate(t, h.login(t, c).Refresh, id)
		if got := counter.Take(); got != (memory.Cost{Reads: 3, Commits: 3}) {
			t.Errorf("a login and a refresh cost %+v, want 3 reads and 3 commits", got)
		}
	}
}
