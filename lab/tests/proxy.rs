//! What a client sees of a proxy that spoils its connections.

use std::{
    io::{ErrorKind, Read, Write},
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream},
    thread,
    time::{Duration, Instant},
};

use ashlar_lab::proxy::{Moment, Proxy};

/// A server that says back what it hears, for as long as the test runs.
fn echo() -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("loopback is there");
    let address = listener.local_addr().expect("it is bound");
    thread::spawn(move || {
        for client in listener.incoming().flatten() {
            thread::spawn(move || std::io::copy(&mut &client, &mut &client));
        }
    });
    address
}

fn says(mut client: &TcpStream, word: &[u8; 4]) {
    client.write_all(word).expect("it is connected");
    let mut heard = [0; 4];
    client.read_exact(&mut heard).expect("it is answered");
    assert_eq!(&heard, word);
}

fn is_cut(mut client: &TcpStream) -> bool {
    let heard = client.read(&mut [0]);
    matches!(heard, Ok(0)) || heard.is_err_and(|error| error.kind() == ErrorKind::ConnectionReset)
}

#[test]
fn what_is_not_spoiled_goes_through() {
    let proxy = Proxy::before(echo()).unwrap();
    let clients: Vec<_> = (0..3).map(|_| TcpStream::connect(proxy.address()).unwrap()).collect();
    clients.iter().for_each(|client| says(client, b"ping"));
    assert_eq!(proxy.taken(), 3);
}

#[test]
fn a_cut_ends_those_that_are_there_and_no_others() {
    let proxy = Proxy::before(echo()).unwrap();
    let before = TcpStream::connect(proxy.address()).unwrap();
    says(&before, b"ping");
    assert_eq!(proxy.cut(), 1);
    assert!(is_cut(&before));
    says(&TcpStream::connect(proxy.address()).unwrap(), b"pong");
}

#[test]
fn new_connections_are_refused_and_taken_again_at_the_same_port() {
    let proxy = Proxy::before(echo()).unwrap();
    let before = TcpStream::connect(proxy.address()).unwrap();
    says(&before, b"ping");
    for _ in 0..2 {
        proxy.refuse().unwrap();
        proxy.refuse().unwrap();
        let refused = TcpStream::connect(proxy.address()).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);
        says(&before, b"stay");
        proxy.accept().unwrap();
        says(&TcpStream::connect(proxy.address()).unwrap(), b"pong");
    }
}

#[test]
fn what_is_held_comes_when_it_is_released() {
    let proxy = Proxy::before(echo()).unwrap();
    let mut client = TcpStream::connect(proxy.address()).unwrap();
    says(&client, b"ping");
    proxy.hold();
    client.write_all(b"held").unwrap();
    client.set_read_timeout(Some(Duration::from_millis(200))).unwrap();
    assert_eq!(client.read(&mut [0]).unwrap_err().kind(), ErrorKind::WouldBlock);
    client.set_read_timeout(None).unwrap();
    proxy.release();
    let mut heard = [0; 4];
    client.read_exact(&mut heard).unwrap();
    assert_eq!(&heard, b"held");
}

#[test]
fn a_delay_is_at_least_what_was_asked_for_each_way() {
    let proxy = Proxy::before(echo()).unwrap();
    let client = TcpStream::connect(proxy.address()).unwrap();
    let delay = Duration::from_millis(30);
    proxy.delay(delay);
    let asked = Instant::now();
    says(&client, b"slow");
    assert!(asked.elapsed() >= 2 * delay);
}

#[test]
fn where_there_is_no_server_a_connection_is_closed() {
    let gone = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap();
    let proxy = Proxy::before(gone).unwrap();
    assert!(is_cut(&TcpStream::connect(proxy.address()).unwrap()));
}

#[test]
fn its_connections_end_with_it() {
    let proxy = Proxy::before(echo()).unwrap();
    let (address, client) = (proxy.address(), TcpStream::connect(proxy.address()).unwrap());
    says(&client, b"ping");
    drop(proxy);
    assert!(is_cut(&client));
    assert_eq!(TcpStream::connect(address).unwrap_err().kind(), ErrorKind::ConnectionRefused);
}

#[test]
fn a_cut_at_a_word_is_before_the_server_hears_it_or_before_the_client_hears_the_answer() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let proxy = Proxy::before(listener.local_addr().unwrap()).unwrap();
    for (moment, heard) in [(Moment::Unheard, 4), (Moment::Unanswered, 8)] {
        let client = TcpStream::connect(proxy.address()).unwrap();
        let mut server = listener.accept().unwrap().0;
        proxy.cut_at("word", moment);
        (&client).write_all(b"ping").unwrap();
        server.read_exact(&mut [0; 4]).unwrap();
        assert!(proxy.waits());
        (&client).write_all(b"word").unwrap();
        let mut rest = [0; 4];
        let told = server.read_exact(&mut rest).is_ok();
        assert_eq!(4 + 4 * usize::from(told), heard);
        // The end of the connection comes when the server has answered.
        let _gone = server.write_all(b"done");
        assert!(is_cut(&client) && !proxy.waits());
        let again = TcpStream::connect(proxy.address()).unwrap();
        listener.accept().unwrap().0.write_all(b"once").unwrap();
        let mut answer = [0; 4];
        (&again).read_exact(&mut answer).unwrap();
        assert_eq!(&answer, b"once");
    }
}

#[test]
fn what_is_redirected_goes_to_the_other_server() {
    let (silent, other) = (TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap(), echo());
    let proxy = Proxy::before(silent.local_addr().unwrap()).unwrap();
    proxy.redirect(other);
    says(&TcpStream::connect(proxy.address()).unwrap(), b"ping");
}
