package config

import (
	"bufio"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strings"

	"github.com/pushcore/pushcore/core/config/internal/tree"
	"github.com/pushcore/pushcore/core/config/scalar"
)

// Print writes what is in effect as a configuration file, secrets masked. With
// origins each value that was written says where.
//
// Of a plugin's options nobody here knows which are secret. Hidden are those whose
// name says so (password, token, …) and passwords in addresses; a value with a
// reference is shown as it was written, ${NAME} and not what is behind it.
func (c *Config) Print(w io.Writer, origins bool) error {
	p := &printer{out: bufio.NewWriter(w), config: c, origins: origins}
	p.section("", "", reflect.ValueOf(c).Elem())
	return p.out.Flush() // It keeps the first error of all writes.
}

type printer struct {
	out     *bufio.Writer
	config  *Config
	origins bool
}

// line writes one line, with the place of the key at path if it was written.
func (p *printer) line(indent, path, text string) {
	fmt.Fprint(p.out, indent, text)
	if path == "" {
		fmt.Fprintln(p.out)
		return
	}
	if pos, found := tree.Find(p.config.root, path); p.origins && found && !pos.IsZero() {
		fmt.Fprint(p.out, "  # ", pos)
	}
	fmt.Fprintln(p.out)
}

// section writes all keys; in an item of a list only those that say something.
func (p *printer) section(path, indent string, v reflect.Value) {
	isItem := strings.HasSuffix(path, "]")
	for _, f := range fieldsOf(v.Type()) {
		if value := v.Field(f.index); !isItem || !value.IsZero() {
			p.key(tree.Join(path, f.key), indent, f.key+":", value)
		}
	}
}

// key writes "name: value" or "- value".
func (p *printer) key(path, indent, name string, v reflect.Value) {
	switch form := formOf(v.Type()); {
	case v.Kind() == reflect.Pointer && v.IsNil():
	case form == formPlugins:
		p.plugins(path, indent, name, v.Interface().([]Plugin))
	case form == formSection:
		p.line(indent, "", name)
		p.section(path, indent+"  ", reflect.Indirect(v))
	case form == formMap && v.Len() > 0:
		p.line(indent, "", name)
		keys := v.MapKeys()
		slices.SortFunc(keys, func(a, b reflect.Value) int { return strings.Compare(a.String(), b.String()) })
		for _, key := range keys {
			p.key(tree.Join(path, key.String()), indent+"  ", quoteYAML(key.String())+":", v.MapIndex(key))
		}
	case form == formList && v.Len() > 0 && sectionOf(v.Type()) != nil:
		p.line(indent, "", name)
		for i := range v.Len() {
			p.key(tree.Index(path, i), indent+"  ", "-", v.Index(i))
		}
	case form == formMap:
		p.line(indent, path, name+" {}")
	case form == formList:
		p.line(indent, path, name+" "+flowList(v))
	default:
		p.line(indent, path, name+" "+scalarText(v))
	}
}

func scalarText(v reflect.Value) string {
	text := maskURL(fmt.Sprint(v.Interface()))
	if formOf(v.Type()) == formText || v.Type() == reflect.TypeFor[Secret]() {
		return quoteYAML(text)
	}
	return text
}

func (p *printer) plugins(path, indent, name string, plugins []Plugin) {
	if len(plugins) == 0 {
		name += " {}"
	}
	p.line(indent, "", name)
	for i := range plugins {
		instance := &plugins[i]
		at := tree.Join(path, instance.Name)
		p.line(indent+"  ", "", instance.Name+":")
		p.process(at, indent+"    ", instance)
		options := p.config.root.Get("plugins").Get(instance.Name).Get("config")
		if options == nil {
			options = tree.Builtin(instance.Options)
		}
		p.option(tree.Join(at, "config"), indent+"    ", "config:", "config", options)
	}
}

// process writes what an instance is and where it runs; bounds and the like only
// if there are any.
func (p *printer) process(at, indent string, instance *Plugin) {
	v := reflect.ValueOf(instance).Elem()
	for _, f := range fieldsOf(v.Type()) {
		value := v.Field(f.index)
		written := p.config.root.Get("plugins").Get(instance.Name).Get(f.key)
		switch {
		case formOf(f.typ) == formOptions || value.IsZero() || f.key == "processes" && value.Int() == 1:
		case formOf(f.typ) == formMap && written != nil:
			p.option(tree.Join(at, f.key), indent, f.key+":", f.key, written)
		default:
			p.key(tree.Join(at, f.key), indent, f.key+":", value)
		}
	}
}

// option writes a part of a plugin's options; key is the innermost key around it.
func (p *printer) option(path, indent, name, key string, n *tree.Node) {
	switch {
	case n.Kind == tree.Map && len(n.Entries) > 0:
		p.line(indent, "", name)
		for _, entry := range n.Entries {
			p.option(tree.Join(path, entry.Key), indent+"  ", quoteYAML(entry.Key)+":", entry.Key, entry.Value)
		}
	case n.Kind == tree.List && len(n.Items) > 0:
		p.line(indent, "", name)
		for i, item := range n.Items {
			p.option(tree.Index(path, i), indent+"  ", "-", key, item)
		}
	case n.Kind == tree.Map || n.Kind == tree.Null && key == "config":
		p.line(indent, path, name+" {}")
	case n.Kind == tree.List:
		p.line(indent, path, name+" []")
	default:
		p.line(indent, path, name+" "+optionText(key, n))
	}
}

func optionText(key string, n *tree.Node) string {
	switch {
	case n.Kind == tree.Null:
		return "null"
	case n.Written != "":
		return quoteYAML(maskURL(n.Written))
	case secretKey.MatchString(key) && n.Text != "":
		return quoteYAML(scalar.Mask)
	case n.Kind == tree.String:
		return quoteYAML(maskURL(n.Text))
	}
	return n.Text
}
