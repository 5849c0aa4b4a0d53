package shard

import "github.com/pushcore/pushcore/sdk"

// PeerMessage is what shards say to each other: *Login, *LoginAnswer, *LoginGone,
// *LoginRenamed.
type PeerMessage interface{ peerMessage() }

// Login asks the owner of a user to let a device in. It is the receiver's.
type Login struct {
	Plugin  int
	Conn    sdk.ConnID
	Auth    *AuthResult
	Connect *sdk.Connect
}

// LoginAnswer tells the accepting shard how to answer the device.
type LoginAnswer struct {
	Plugin int
	Conn   sdk.ConnID
	Accept *sdk.Accept // nil: refused
	Code   uint16
	Text   string
}

// LoginGone tells the owner that the connection ended before it got there.
type LoginGone struct {
	Plugin int
	Conn   sdk.ConnID
}

// LoginRenamed tells the owner that the connection has got another name before it
// got there.
type LoginRenamed struct {
	Plugin   int
	From, To sdk.ConnID
}

func (*Login) peerMessage()        {}
func (*LoginAnswer) peerMessage()  {} // see Login
func (*LoginGone) peerMessage()    {} // see Login
func (*LoginRenamed) peerMessage() {} // see Login

// toPeer sends a message to another shard, or handles it here if it is this one.
func (s *Shard) toPeer(to int, m PeerMessage) {
	if to == s.cfg.ID {
		s.fromPeer(&FromPeer{From: to, Message: m})
		return
	}
	s.effects.Peers = append(s.effects.Peers, ToPeer{To: to, Message: m})
}

func (s *Shard) fromPeer(in *FromPeer) {
	switch m := in.Message.(type) {
	case *Login:
		if !s.instances[m.Plugin].isOver(m.Conn) { // Else nobody waits for an answer.
			s.login(in.From, m)
		}
	case *LoginAnswer:
		s.loginAnswered(in.From, m)
	case *LoginGone:
		key := s.keyOf(m.Plugin, m.Conn)
		delete(s.doomed, key)
		if ses := s.conns[key]; ses != nil {
			s.connectionLost(ses)
		}
	case *LoginRenamed:
		s.loginRenamed(m)
	}
}
