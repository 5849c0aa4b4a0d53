package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"

	"github.com/spf13/cobra"
)

// pushOptions are the flags that become push-* headers of the same name.
var pushOptions = []struct{ name, help string }{
	{"to", "receivers: comma list of user:ID, device:USER/DEVICE, group:ID, all"},
	{"except", "excluded receivers, the same form"},
	{"platform", "only devices of these platforms, comma list"},
	{"class", "reliable (default) or fast"},
	{"id", "names this one event, against repeats"},
	{"name", "what kind of message it is"},
	{"ttl", "how long it may wait, such as 90s or 7d; 0: only who has a session now"},
	{"collapse", "replaces an unsent message with the same key"},
	{"ack", "each (default) or any"},
	{"receipt", "none (default), final or all"},
}

func newPush() *cobra.Command {
	var data, file string
	var lines bool
	cmd := &cobra.Command{
		Use:   "push --to ADDRESS (--data TEXT | --file FILE | --lines)",
		Short: "Push a message, or a batch of them",
		Example: `  pushcore push --to user:alice --data hello
  pushcore push --to group:news,user:bob --class fast --file picture.jpg
  pushcore push --lines < messages.ndjson`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			a, err := apiOf(cmd)
			if err != nil {
				return err
			}
			if lines {
				return pushLines(cmd, a)
			}
			body, err := payload(cmd, data, file)
			if err != nil {
				return err
			}
			return pushOne(cmd, a, body)
		},
	}
	for _, o := range pushOptions {
		cmd.Flags().String(o.name, "", o.help)
	}
	cmd.Flags().StringVar(&data, "data", "", "the payload")
	cmd.Flags().StringVar(&file, "file", "", "a file with the payload; - is standard input")
	cmd.Flags().BoolVar(&lines, "lines", false, "standard input holds one JSON object a line, as in /v1/push/batch")
	cmd.MarkFlagsMutuallyExclusive("data", "file", "lines")
	addServerFlags(cmd)
	return cmd
}

func payload(cmd *cobra.Command, data, file string) ([]byte, error) {
	switch {
	case cmd.Flags().Changed("data"):
		return []byte(data), nil
	case file == "-":
		return io.ReadAll(cmd.InOrStdin())
	case file != "":
		return os.ReadFile(file)
	default:
		return nil, usage(errors.New("one of --data, --file and --lines is needed"))
	}
}

type pushed struct {
	ID   string `json:"id"`
	Safe string `json:"safe"`
}

func pushOne(cmd *cobra.Command, a *api, body []byte) error {
	header := http.Header{}
	for _, o := range pushOptions {
		if v, _ := cmd.Flags().GetString(o.name); cmd.Flags().Changed(o.name) {
			header.Set("push-"+o.name, v)
		}
	}
	if header.Get("push-to") == "" {
		return usage(errors.New("--to is needed, such as --to user:alice"))
	}
	var res pushed
	if err := a.call(cmd.Context(), http.MethodPost, "/v1/push", header, body, &res); err != nil {
		return err
	}
	if asJSON(cmd) {
		return printJSON(cmd.OutOrStdout(), res)
	}
	_, err := fmt.Fprintf(cmd.OutOrStdout(), "%s %s\n", res.ID, safeWords[res.Safe])
	return err
}

// safeWords say what the answer's `safe` means.
var safeWords = map[string]string{
	"acked":  "every receiver has it or cannot get it any more",
	"stored": "stored on disk for who has not acked yet",
	"memory": "waits in memory for who has not acked yet; a restart of the node would lose it",
	"none":   "sent, without acks (class fast)",
}

// Bounds of one batch request; the node's are these too.
const (
	batchLines = 1000
	batchBytes = 4 << 20
)

type lineResult struct {
	Line   int    `json:"line"`
	Status int    `json:"status"`
	ID     string `json:"id,omitempty"`
	Safe   string `json:"safe,omitempty"`
	Code   string `json:"code,omitempty"`
	Field  string `json:"field,omitempty"`
	Detail string `json:"detail,omitempty"`
}

func pushLines(cmd *cobra.Command, a *api) error {
	in := bufio.NewScanner(cmd.InOrStdin())
	in.Buffer(nil, batchBytes)
	var batch bytes.Buffer
	var numbers []int // of the batch's lines
	pushed, failed := 0, 0
	flush := func() error {
		n, err := pushBatch(cmd.Context(), cmd, a, batch.Bytes(), numbers)
		pushed, failed = pushed+len(numbers), failed+n
		batch.Reset()
		numbers = numbers[:0]
		return err
	}
	line := 0
	for in.Scan() {
		line++
		if len(bytes.TrimSpace(in.Bytes())) == 0 {
			continue
		}
		if len(numbers) == batchLines || batch.Len()+len(in.Bytes()) > batchBytes {
			if err := flush(); err != nil {
				return err
			}
		}
		batch.Write(in.Bytes())
		batch.WriteByte('\n')
		numbers = append(numbers, line)
	}
	if err := in.Err(); err != nil {
		return fmt.Errorf("line %d: %w", line+1, err)
	}
	if len(numbers) > 0 {
		if err := flush(); err != nil {
			return err
		}
	}
	if failed > 0 {
		return fmt.Errorf("%d of %d lines were refused", failed, pushed)
	}
	return nil
}

// pushBatch sends lines, prints their results and counts those refused.
func pushBatch(ctx context.Context, cmd *cobra.Command, a *api, body []byte, numbers []int) (int, error) {
	var res struct{ Results []lineResult }
	if err := a.call(ctx, http.MethodPost, "/v1/push/batch", nil, body, &res); err != nil {
		return 0, err
	}
	failed := 0
	for i, r := range res.Results {
		r.Line = numbers[min(i, len(numbers)-1)]
		if r.Status >= 300 {
			failed++
		}
		if err := printLine(cmd, r); err != nil {
			return failed, err
		}
	}
	return failed, nil
}

func printLine(cmd *cobra.Command, r lineResult) error {
	switch {
	case asJSON(cmd):
		return printJSON(cmd.OutOrStdout(), r)
	case r.Status >= 300:
		_, err := fmt.Fprintf(cmd.ErrOrStderr(), "line %d: %s %s: %s\n", r.Line, r.Code, r.Field, r.Detail)
		return err
	default:
		_, err := fmt.Fprintln(cmd.OutOrStdout(), r.ID)
		return err
	}
}
