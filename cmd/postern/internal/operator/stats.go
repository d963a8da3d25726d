package operator

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/postern-dev/postern/shared/store"
)

// stats are counts. Those of records are nil without the ring.
type stats struct {
	Documents map[string]int `json:"documents"` // by collection
	Grants    *grantStats    `json:"grants,omitempty"`
	Clients   *clientStats   `json:"clients,omitempty"`
}

type grantStats struct {
	Live    int `json:"live"`
	Expired int `json:"expired"`
	Revoked int `json:"revoked"`
}

type clientStats struct {
	Used     int `json:"used"`
	Unused   int `json:"unused"`
	Operator int `json:"operator"`
}

// Stats shows how many of everything there are.
func (op *Operator) Stats(ctx context.Context) error {
	s := stats{Documents: map[string]int{}}
	rows := [][]string{}
	for _, collection := range store.Collections() {
		n := 0
		for _, err := range op.documents(ctx, collection) {
			if err != nil {
				return err
			}
			n++
		}
		s.Documents[collection] = n
		rows = append(rows, []string{collection, fmt.Sprint(n), ""})
	}
	if op.Sealed != nil {
		op.out.Warn("States are sealed: only documents are counted.")
		return errors.Join(op.showStats(s, rows), op.Opened())
	}
	bad, err := op.countRecords(ctx, &s)
	if err != nil {
		return err
	}
	rows[0][2] = fmt.Sprintf("%d used, %d unused, %d by operator", s.Clients.Used, s.Clients.Unused, s.Clients.Operator)
	rows[2][2] = fmt.Sprintf("%d live, %d expired, %d revoked", s.Grants.Live, s.Grants.Expired, s.Grants.Revoked)
	op.out.Unreadable(bad.n)
	return errors.Join(op.showStats(s, rows), bad.err("so their states are not counted"))
}

func (op *Operator) showStats(s stats, rows [][]string) error {
	return op.out.Show([]any{s}, []string{"COLLECTION", "DOCUMENTS", ""}, rows)
}

func (op *Operator) countRecords(ctx context.Context, s *stats) (bad unreadable, err error) {
	s.Grants, s.Clients = &grantStats{}, &clientStats{}
	for g, err := range readable(op.Store.Grants(ctx), &bad) {
		switch {
		case err != nil:
			return bad, err
		case !g.Revoked.IsZero():
			s.Grants.Revoked++
		case g.Ended(time.Now()):
			s.Grants.Expired++
		default:
			s.Grants.Live++
		}
	}
	for c, err := range readable(op.Store.Clients(ctx), &bad) {
		switch {
		case err != nil:
			return bad, err
		case c.Operator:
			s.Clients.Operator++
		case c.Expiry.IsZero():
			s.Clients.Used++
		default:
			s.Clients.Unused++
		}
	}
	return bad, nil
}
