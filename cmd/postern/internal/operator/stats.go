package operator

import (
	"context"
	"fmt"
	"time"

	"github.com/postern-dev/postern/shared/store"
)

// stats are counts. Those of records are nil without the ring.
type stats struct {
	Documents map[string]int `json:"documents"` // by collection
	Grants    *grantStats    `json:"grants,omitempty"`
	Clients   *clientStats   `json:"clients,omitempty"`
	// Unopened counts records that the ring does not open.
	Unopened int `json:"unopened,omitempty"`
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
	op.Note()
	if op.Sealed == nil {
		if err := op.countRecords(ctx, &s); err != nil {
			return err
		}
		rows[0][2] = fmt.Sprintf("%d used, %d unused, %d by operator", s.Clients.Used, s.Clients.Unused, s.Clients.Operator)
		rows[2][2] = fmt.Sprintf("%d live, %d expired, %d revoked", s.Grants.Live, s.Grants.Expired, s.Grants.Revoked)
	}
	if s.Unopened > 0 {
		rows = append(rows, []string{"unopened", fmt.Sprint(s.Unopened), "no key of the ring opens them, or they were moved"})
	}
	return op.print(s, []string{"COLLECTION", "DOCUMENTS", ""}, rows)
}

func (op *Operator) countRecords(ctx context.Context, s *stats) error {
	s.Grants, s.Clients = &grantStats{}, &clientStats{}
	var bad unopened
	for g, err := range op.Store.Grants(ctx) {
		switch {
		case bad.skip(err):
		case err != nil:
			return err
		case !g.Revoked.IsZero():
			s.Grants.Revoked++
		case g.Ended(time.Now()):
			s.Grants.Expired++
		default:
			s.Grants.Live++
		}
	}
	for c, err := range op.Store.Clients(ctx) {
		switch {
		case bad.skip(err):
		case err != nil:
			return err
		case c.Operator:
			s.Clients.Operator++
		case c.Expiry.IsZero():
			s.Clients.Used++
		default:
			s.Clients.Unused++
		}
	}
	s.Unopened = bad.n
	return nil
}
