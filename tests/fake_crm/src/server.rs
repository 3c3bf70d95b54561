//! A CRM's HTTP server in a thread of its own, and how it breaks a connection.
use std::io;
use std::net::{Shutdown, TcpListener, TcpStream};
use std::os::fd::AsFd;
use std::thread::{self, JoinHandle};

use actix_web::dev::{Extensions, Server, ServerHandle};
use actix_web::rt::{self, System};
use actix_web::{HttpRequest, HttpResponse};
use tokio::sync::oneshot;

/// A running server on 127.0.0.1; stops when dropped.
pub struct Running {
    port: u16,
    server: ServerHandle,
    thread: Option<JoinHandle<io::Result<()>>>,
}

impl Running {
    /// Fails when the port is taken; 0 takes any free port.
    pub async fn start(
        port: u16,
        server: impl FnOnce(TcpListener) -> io::Result<Server> + Send + 'static,
    ) -> io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", port))?;
        let port = listener.local_addr()?.port();
        let (started, handle) = oneshot::channel();
        let thread = thread::spawn(move || {
            System::new().block_on(async {
                let server = server(listener)?;
                // The receiver can only be gone with the caller, and then nobody needs the server.
                if started.send(server.handle()).is_ok() { server.await } else { Ok(()) }
            })
        });
        let server = handle.await.map_err(io::Error::other)?;
        Ok(Self { port, server, thread: Some(thread) })
    }

    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // The command is sent here; its future would only wait.
        drop(self.server.stop(false));
        if let Some(Err(_)) = self.thread.take().map(JoinHandle::join) {
            eprintln!("the CRM's thread panicked");
        }
    }
}

/// Keeps a second handle of a connection, to break it with.
pub fn keep_socket(connection: &dyn std::any::Any, data: &mut Extensions) {
    let stream = connection.downcast_ref::<rt::net::TcpStream>();
    if let Some(Ok(socket)) = stream.map(|stream| stream.as_fd().try_clone_to_owned()) {
        data.insert(TcpStream::from(socket));
    }
}

/// Breaks the connection of a request; nobody gets to see the answer.
pub fn break_connection(http: &HttpRequest) -> HttpResponse {
    if let Some(Err(error)) =
        http.conn_data::<TcpStream>().map(|socket| socket.shutdown(Shutdown::Both))
    {
        eprintln!("cannot break the connection: {error}");
    }
    HttpResponse::BadGateway().finish()
}
