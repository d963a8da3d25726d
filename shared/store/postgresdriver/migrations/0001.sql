-- Documents, what they are found by, and what happened to them. Every name says its schema, so
-- that no search_path is needed, and none can be abused.

-- One row: the number of the last migration, and the oldest one that a program may know and
-- still work here.
CREATE TABLE postern.version (
	number integer NOT NULL,
	serves integer NOT NULL
);

-- fields is the whole Index of a document, NULL for none. Ids are in the order of their bytes.
CREATE TABLE postern.documents (
	collection   text COLLATE "C" NOT NULL,
	id           text COLLATE "C" NOT NULL,
	body         text NOT NULL,
	fields       jsonb,
	delete_after timestamptz,
	PRIMARY KEY (collection, id)
);
CREATE INDEX documents_delete_after ON postern.documents (delete_after) WHERE delete_after IS NOT NULL;

-- labels repeats fields, for lists.
CREATE TABLE postern.labels (
	collection text COLLATE "C" NOT NULL,
	field      text COLLATE "C" NOT NULL,
	value      text COLLATE "C" NOT NULL,
	id         text COLLATE "C" NOT NULL,
	PRIMARY KEY (collection, field, value, id)
);

-- changes are the changes of documents that nobody has dealt with. One that was taken is due
-- again at due, unless it is removed before.
CREATE TABLE postern.changes (
	sequence   bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	collection text NOT NULL,
	id         text NOT NULL,
	old        jsonb,
	new        jsonb,
	time       timestamptz NOT NULL DEFAULT clock_timestamp(),
	tries      integer NOT NULL DEFAULT 0,
	due        timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX changes_due ON postern.changes (due, sequence);
CREATE INDEX changes_time ON postern.changes (time);

-- Whoever changes a document, be it by hand: its labels follow, and the change is noted.
CREATE FUNCTION postern.follow() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	IF TG_OP = 'INSERT' OR TG_OP = 'DELETE' OR OLD.fields IS DISTINCT FROM NEW.fields THEN
		IF TG_OP <> 'INSERT' THEN
			DELETE FROM postern.labels AS l USING jsonb_each_text(OLD.fields) AS f
			WHERE l.collection = OLD.collection AND l.field = f.key AND l.value = f.value AND l.id = OLD.id;
		END IF;
		IF TG_OP <> 'DELETE' THEN
			INSERT INTO postern.labels (collection, field, value, id)
			SELECT NEW.collection, f.key, f.value, NEW.id FROM jsonb_each_text(NEW.fields) AS f;
		END IF;
	END IF;
	INSERT INTO postern.changes (collection, id, old, new) VALUES (
		CASE WHEN TG_OP = 'DELETE' THEN OLD.collection ELSE NEW.collection END,
		CASE WHEN TG_OP = 'DELETE' THEN OLD.id ELSE NEW.id END,
		CASE WHEN TG_OP <> 'INSERT' THEN to_jsonb(OLD) END,
		CASE WHEN TG_OP <> 'DELETE' THEN to_jsonb(NEW) END);
	RETURN NULL;
END $$;
CREATE TRIGGER follow AFTER INSERT OR UPDATE OR DELETE ON postern.documents
	FOR EACH ROW EXECUTE FUNCTION postern.follow();

-- write does all writes of a list in their order, or none. It is one statement, so nothing is
-- ever open between two messages of a client.
--
-- A write has kind (create, set, delete), collection, id, and unless it deletes body, fields and
-- delete_after. The first write of a document that was read has read: what mark returned then,
-- empty if there was no document. The writes happen only if that is still so; otherwise
-- the error PS001 says that another writer was faster. A create that meets a document is PS002.
--
-- attempt is a lock that is held until all has happened or nothing will. With notify, who
-- listens to "postern" hears of it.
CREATE FUNCTION postern.write(attempt bigint, list jsonb, notify boolean) RETURNS void
LANGUAGE plpgsql SET lock_timeout = '5s' AS $$
DECLARE
	w record;
BEGIN
	PERFORM pg_advisory_xact_lock(attempt);
	-- Two writers of the same documents take them in one order, and none waits for the other in turn.
	PERFORM 1 FROM postern.documents AS d
		JOIN jsonb_to_recordset(list) AS l (collection text, id text) ON d.collection = l.collection AND d.id = l.id
		ORDER BY d.collection, d.id FOR UPDATE OF d;
	FOR w IN SELECT * FROM jsonb_to_recordset(list) AS l (
		kind text, collection text, id text, body text, fields jsonb, delete_after timestamptz, read text
	) LOOP
		IF w.read <> '' AND NOT EXISTS (
			SELECT FROM postern.documents AS d WHERE d.collection = w.collection AND d.id = w.id AND d.xmin::text = w.read
		) THEN
			RAISE EXCEPTION 'another writer changed what was read' USING ERRCODE = 'PS001';
		END IF;
		IF w.kind = 'delete' THEN
			DELETE FROM postern.documents AS d WHERE d.collection = w.collection AND d.id = w.id;
		ELSIF w.kind = 'create' OR w.read = '' THEN
			INSERT INTO postern.documents (collection, id, body, fields, delete_after)
			VALUES (w.collection, w.id, w.body, w.fields, w.delete_after) ON CONFLICT DO NOTHING;
			IF NOT FOUND AND w.kind = 'create' THEN
				RAISE EXCEPTION 'the document is there already' USING ERRCODE = 'PS002';
			ELSIF NOT FOUND THEN
				RAISE EXCEPTION 'another writer made what was not there' USING ERRCODE = 'PS001';
			END IF;
		ELSE
			INSERT INTO postern.documents AS d (collection, id, body, fields, delete_after)
			VALUES (w.collection, w.id, w.body, w.fields, w.delete_after)
			ON CONFLICT (collection, id) DO UPDATE
			SET body = excluded.body, fields = excluded.fields, delete_after = excluded.delete_after
			WHERE (d.body, d.fields, d.delete_after)
				IS DISTINCT FROM (excluded.body, excluded.fields, excluded.delete_after);
		END IF;
	END LOOP;
	IF notify THEN
		PERFORM pg_notify('postern', '');
	END IF;
END $$;
