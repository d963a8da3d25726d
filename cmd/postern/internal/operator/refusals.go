package operator

import (
	"context"
	"time"

	"github.com/postern-dev/postern/cmd/postern/internal/cli"
	"github.com/postern-dev/postern/shared/store"
)

// refusalView is somebody who was not let in, as they are shown.
type refusalView struct {
	Subject  string    `json:"subject"`
	Document string    `json:"document"`
	Login    string    `json:"login"`
	Refused  time.Time `json:"refused"`
	Expiry   time.Time `json:"expiry"`
}

func (v refusalView) when() time.Time { return v.Refused }

func (v refusalView) row() []string {
	return []string{v.Login, v.Subject, cli.Time(v.Refused), cli.Time(v.Expiry)}
}

// ListRefusals shows whom ALLOW did not let in.
func (op *Operator) ListRefusals(ctx context.Context, s Selection) error {
	if op.Sealed != nil {
		return op.listSealed(ctx, store.RefusalsCollection)
	}
	views, bad := []refusalView{}, unreadable{}
	for r, err := range readable(op.Store.Refusals(ctx), &bad) {
		if err != nil {
			return err
		}
		views = append(views, refusalView{r.Subject, store.PersonDocument(r.Subject), r.Login, r.Refused, r.Expiry})
	}
	return list(op, s, []string{"LOGIN", "SUBJECT", "REFUSED", "KEPT UNTIL"}, views, bad)
}
