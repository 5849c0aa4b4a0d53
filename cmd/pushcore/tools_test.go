package main

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/golang-jwt/jwt/v5"
)

func TestUsageErrors(t *testing.T) {
	for _, args := range [][]string{
		{"pus"}, {"push", "--nonsense"}, {"push", "--to", "user:a"}, {"push", "--data", "x"}, {"push", "--data", "x", "--file", "y", "--to", "user:a"},
		{"session", "kick"}, {"group", "join", "g"}, {"token", "sign"}, {"token", "sign", "--user", "a"}, {"token", "sign", "--user", "a", "--alg", "none"},
		{"push", "--to", "user:a", "--data", "x", "--server", "::"}, {"session", "lst"}, {"version", "1"},
	} {
		t.Run(strings.Join(args, " "), func(t *testing.T) {
			if r := pushcore(t, "", args...).want(t, exitUsage, "pushcore: "); strings.Count(r.errOut, "\n") != 1 {
				t.Errorf("an error is one line:\n%s", r.errOut)
			}
		})
	}
}

func TestNodeThatIsNotThere(t *testing.T) {
	server := "http://127.0.0.1:1"
	for _, args := range [][]string{
		{"push", "--to", "user:a", "--data", "x"}, {"session", "list"}, {"session", "kick", "a"}, {"group", "show", "g"}, {"group", "join", "g", "a"},
	} {
		pushcore(t, "", append(args, "--server", server)...).want(t, exitUnreachable, server, "--server")
	}
}

func TestCommandsAgainstANode(t *testing.T) {
	p := startNode(t, anyPort)
	at := func(in string, args ...string) ran {
		return pushcore(t, in, append(args, "--server", p.urls["http"])...)
	}

	t.Run("push", func(t *testing.T) {
		at("", "push", "--to", "user:nobody", "--data", "x", "--id", "m-1").want(t, exitOK).says(t, "m-1 ", "stored")
		v := at("", "push", "--to", "user:nobody", "--data", "x", "--id", "m-1", "--json").want(t, exitOK).object(t)
		if v["id"] != "m-1" || v["safe"] != "stored" {
			t.Errorf("%v", v)
		}
		at("from standard input", "push", "--to", "user:nobody", "--file", "-", "--class", "fast").want(t, exitOK).says(t, "class fast")
		at("", "push", "--to", "user:nobody", "--data", "other", "--id", "m-1").want(t, exitFailed, "id_conflict")
		at("", "push", "--to", "usr:nobody", "--data", "x").want(t, exitFailed, "bad_address", "push-to", "did you mean user")
	})
	t.Run("push lines", func(t *testing.T) {
		in := `{"to":"user:nobody","payload":"a","id":"l-1"}` + "\n\n" + `{"to":"who"}` + "\n" + `{"to":"user:nobody","payload":"b","id":"l-2"}` + "\n"
		r := at(in, "push", "--lines").want(t, exitFailed, "bad_address", "line 3")
		if r.out != "l-1\nl-2\n" {
			t.Errorf("%q", r.out)
		}
		var lines []map[string]any
		for line := range strings.Lines(at(in, "push", "--lines", "--json").want(t, exitFailed).out) {
			var v map[string]any
			if err := json.Unmarshal([]byte(line), &v); err != nil {
				t.Fatal(err)
			}
			lines = append(lines, v)
		}
		if len(lines) != 3 || lines[1]["status"] != 400.0 || lines[1]["code"] != "bad_address" || lines[1]["line"] != 3.0 || lines[2]["line"] != 4.0 {
			t.Errorf("%v", lines)
		}
	})
	t.Run("group", func(t *testing.T) {
		at("", "group", "join", "staff", "alice", "bob/1").want(t, exitOK)
		at("", "group", "leave", "staff", "alice").want(t, exitOK)
		at("", "group", "show", "staff").want(t, exitOK).says(t, "1 members, 0 joined sessions\nbob/1\n")
		v := at("", "group", "show", "staff", "--json").want(t, exitOK).object(t)
		if fmt.Sprint(v["members"]) != "[bob/1]" || v["joined"] != 0.0 {
			t.Errorf("%v", v)
		}
	})
	t.Run("user", func(t *testing.T) {
		at("", "user", "show", "bob/1").want(t, exitOK).says(t, "0 devices, 0 sessions, 1 groups", "staff")
		at("", "user", "forget", "bob/1", "phone").want(t, exitOK).says(t, "0 pending messages ended")
		at("", "user", "erase", "bob/1").want(t, exitOK).says(t, "0 pending messages ended")
		at("", "user", "show", "bob/1").want(t, exitFailed, "not_found")
	})
	t.Run("session", func(t *testing.T) {
		at("", "session", "list").want(t, exitOK).says(t, "SESSION", "UNACKED")
		if r := at("", "session", "list", "--json").want(t, exitOK); r.out != "" {
			t.Errorf("%q", r.out)
		}
		at("", "session", "kick", "alice").want(t, exitOK).says(t, "0 sessions closed")
		if v := at("", "session", "kick", "alice", "--json").want(t, exitOK).object(t); v["kicked"] != 0.0 {
			t.Errorf("%v", v)
		}
	})
	if code := p.stop(t); code != exitOK {
		t.Errorf("exit code %d", code)
	}
}

func TestKeyIsTakenFromTheEnvironment(t *testing.T) {
	made := pushcore(t, "", "token", "new", "--json").want(t, exitOK).object(t)
	p := startNode(t, strings.Replace(anyPort, "127.0.0.1:0 }",
		fmt.Sprintf("127.0.0.1:0, keys: [ { name: k, sha256: %q, scopes: [push] } ] }", made["sha256"]), 1))
	t.Setenv("PUSHCORE_SERVER", p.urls["http"])
	pushcore(t, "", "push", "--to", "user:a", "--data", "x").want(t, exitFailed, "unauthorized")
	t.Setenv("PUSHCORE_KEY", made["token"].(string))
	pushcore(t, "", "push", "--to", "user:a", "--data", "x").want(t, exitOK)
	pushcore(t, "", "session", "list").want(t, exitFailed, "forbidden", "read")
	p.stop(t)
}

func TestNewTokenFitsItsHash(t *testing.T) {
	v := pushcore(t, "", "token", "new", "--json").want(t, exitOK).object(t)
	sum := sha256.Sum256([]byte(v["token"].(string)))
	if v["sha256"] != hex.EncodeToString(sum[:]) {
		t.Errorf("%v", v)
	}
	pushcore(t, "", "token", "new").want(t, exitOK).says(t, "token:", "sha256:")
}

func TestSignedTokenHoldsItsClaims(t *testing.T) {
	secret := "of more than thirty-two bytes, surely"
	r := pushcore(t, "", "token", "sign", "--user", "alice", "--device", "phone", "--issuer", "id", "--audience", "pushcore", "--group", "a,b", "--ttl", "1d",
		"--kid", "k", "--secret-file", writeFile(t, "secret", secret)).want(t, exitOK)
	token, err := jwt.Parse(strings.TrimSpace(r.out), func(*jwt.Token) (any, error) { return []byte(secret), nil }, jwt.WithIssuer("id"), jwt.WithAudience("pushcore"))
	if err != nil {
		t.Fatal(err)
	}
	claims := token.Claims.(jwt.MapClaims)
	if claims["sub"] != "alice" || claims["device"] != "phone" || fmt.Sprint(claims["groups"]) != "[a b]" || token.Header["kid"] != "k" ||
		claims["exp"].(float64)-claims["iat"].(float64) != 86400 {
		t.Errorf("%v %v", token.Header, claims)
	}
}

func TestVersion(t *testing.T) {
	v := pushcore(t, "", "version", "--json").want(t, exitOK).object(t)
	for _, key := range []string{"version", "plugin_api", "go", "os"} {
		if v[key] == "" || v[key] == nil {
			t.Errorf("no %s in %v", key, v)
		}
	}
	pushcore(t, "", "--version").want(t, exitOK).says(t, version)
	pushcore(t, "").want(t, exitOK).says(t, "Usage:", "run", "push", "connect")
	pushcore(t, "", "completion", "bash").want(t, exitOK)
}
