package fastmcp

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"cloud.google.com/go/firestore"
	"google.golang.org/api/iterator"
)

// readFirestore reads a collection of PROJECT or PROJECT/DATABASE. Ids of documents are the
// keys, except for a few that Firestore does not take as they are.
func readFirestore(ctx context.Context, name, asked string) ([]document, error) {
	project, db, named := strings.Cut(name, "/")
	if !named {
		db = firestore.DefaultDatabaseID
	}
	client, err := firestore.NewClientWithDatabase(ctx, project, db)
	if err != nil {
		return nil, err
	}
	defer client.Close()
	collection, err := chooseInFirestore(ctx, client, asked)
	if err != nil {
		return nil, err
	}
	var out []document
	walk := client.Collection(collection).Documents(ctx)
	defer walk.Stop()
	for {
		snapshot, err := walk.Next()
		if errors.Is(err, iterator.Done) {
			return out, nil
		}
		if err != nil {
			return nil, fmt.Errorf("read the collection %s: %w", collection, err)
		}
		d := document{key: snapshot.Ref.ID, client: snapshot.Ref.ID}
		if strings.HasPrefix(d.key, "S_") || strings.HasPrefix(d.key, "H_") {
			d.client = "" // a sanitised key
		}
		// What JSON cannot say is no registration of theirs.
		d.body, _ = json.Marshal(snapshot.Data())
		out = append(out, d)
	}
}

// chooseInFirestore chooses among the collections at the root of the database.
func chooseInFirestore(ctx context.Context, client *firestore.Client, asked string) (string, error) {
	collections, err := client.Collections(ctx).GetAll()
	if err != nil {
		return "", fmt.Errorf("list the collections: %w", err)
	}
	var there []string
	for _, c := range collections {
		there = append(there, c.ID)
	}
	return choose(there, asked)
}
