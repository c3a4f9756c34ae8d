# Files.pm - files by sendfile: alone, and by HTTP with wrk.
# SPDX-License-Identifier: MIT
package Files;
use strict;
use warnings;
use Exporter 'import';
our @EXPORT_OK = qw(run_sendfile run_wrk);
use File::Path qw(make_path);
use IO::Socket::INET;
use List::Util qw(sum);
use Load qw(cpu_time programs system_calls);
use Measure qw(have paired pinned progress slurp);
use POSIX ();
use Report qw(check row);

my $target = 1.05;    # over a bare sendfile loop
my $rounds = 7;

# By size; over so many connections. The measure is a bare sendfile loop that
# ignores SIGPIPE, and so does rondo's; "guarded" leaves it as it is.
my @servers = (
    [ rondo   => 'file_rondo', '',        'file_client' ],
    [ raw     => 'file_raw',   '',        'file_client' ],
    [ guarded => 'file_rondo', 'guarded', 'file_client' ],
);
my %requests = ( 16384 => 20_000, 1048576 => 2_000, 16777216 => 150 );

# The figures are for each megabyte.
sub file_calls {
    my ( $server, $size, $requests ) = @_;
    my $calls = system_calls(
        $server,
        size     => $size,
        requests => [ $requests, 5 * $requests ]
    );
    return sum( values %$calls ) / $size * 1e6;
}

sub file_time {
    my ( $server, $size ) = @_;
    my $ns = cpu_time( $server, size => $size, requests => $requests{$size} );
    return $ns / 1000 / $size * 1e6;
}

sub run_sendfile {
    for my $size ( sort { $a <=> $b } keys %requests ) {
        my $text = 'file of ' . $size / 1024 . ' KiB';
        my %calls;
        for my $server (@servers) {
            last if !have('strace');
            progress("sendfile: $text, system calls, $server->[0]");
            $calls{ $server->[0] } =
              file_calls( $server, $size, $requests{$size} / 10 );
        }
        my ( $median, $over ) = paired( "sendfile: $text", $rounds,
            sub { @servers }, sub { file_time( $_[0], $size ) } );
        row( "$text, calls/MB", "<= raw*$target", %calls );
        row( '  SIGPIPE guarded', '', rondo => $calls{guarded} );
        row( '  server CPU, us/MB', '', %$median );
        row( '  server CPU over raw', "<= $target", %$over );
        row( '  SIGPIPE guarded', '', rondo => $over->{guarded} );
        check( "$text, system calls over raw",
            $calls{raw} ? $calls{rondo} / $calls{raw} : undef, $target );
        check( "$text, server CPU over raw (median of $rounds)",
            $over->{rondo}, $target );
    }
}

# ---- by HTTP: the example beside nginx, where that is installed ----

my $wrk_s = 3;
my %pages = ( 'page' => 16_384, 'large' => 1_048_576 );

sub write_file {
    my ( $path, $text ) = @_;
    open my $out, '>', $path or die "$path: $!\n";
    print $out $text;
    close $out or die "$path: $!\n";
}

# One worker, as the example has one loop.
sub nginx_command {
    my ( $folder, $port ) = @_;
    my $paths = join ' ', map { "${_}_temp_path $folder/$_;" }
      qw(client_body proxy fastcgi uwsgi scgi);
    write_file( "$folder/nginx.conf", <<"END" );
daemon off; master_process off; pid $folder/pid; error_log stderr crit;
events { worker_connections 1024; }
http { access_log off; sendfile on; keepalive_requests 100000000; $paths
    server { listen 127.0.0.1:$port; root $folder/www; } }
END
    return ( 'nginx', '-p', $folder, '-c', "$folder/nginx.conf" );
}

# Starts it, and gives its process and port. The example takes one that is
# free, and nginx the one that the example had.
sub start_web {
    my ( $name, $folder, $port ) = @_;
    my @command =
      $name eq 'rondo'
      ? ( programs() . '/../examples/files', 0, "$folder/www" )
      : nginx_command( $folder, $port );
    my $pid = open my $out, '-|', pinned(), @command or die "$command[0]: $!\n";
    if ( $name eq 'rondo' ) {
        ($port) = ( <$out> // '' ) =~ /:(\d+)$/ or die "files: no port\n";
    }
    for ( 1 .. 100 ) {
        last if IO::Socket::INET->new( PeerAddr => "127.0.0.1:$port" );
        select undef, undef, undef, 0.05;
    }
    return ( $pid, $out, $port );
}

sub cpu_us {
    my ($pid) = @_;
    my @fields = split ' ', slurp("/proc/$pid/stat") =~ s/^.*\)//sr;
    return ( $fields[11] + $fields[12] ) * 1e6 /
      POSIX::sysconf( POSIX::_SC_CLK_TCK() );
}

# Requests a second and the server's CPU time for each, in us.
sub wrk {
    my ( $pid, $url ) = @_;
    my $before = cpu_us($pid);
    open my $out, '-|', pinned(), 'wrk', '-t1', '-c64', "-d${wrk_s}s", $url
      or die "wrk: $!\n";
    my $said = join '', <$out>;
    close $out or die "wrk failed\n";
    die "wrk: $said" if $said =~ /Socket errors|Non-2xx/;
    my ($count) = $said =~ /(\d+) requests in/ or die "wrk: $said";
    return ( $count / $wrk_s, ( cpu_us($pid) - $before ) / $count );
}

sub run_wrk {
    return if !have('wrk');
    my $folder = programs() . '/web';
    my ( %rate, %cpu, $port );
    make_path("$folder/www");
    write_file( "$folder/www/$_", 'x' x $pages{$_} ) for keys %pages;
    for my $name ( 'rondo', have('nginx') ? 'nginx' : () ) {
        my ( $pid, $out, $at ) = start_web( $name, $folder, $port );
        $port = $at;
        for my $page ( sort keys %pages ) {
            progress("wrk: $name, $pages{$page} bytes");
            ( $rate{$page}{$name}, $cpu{$page}{$name} ) =
              wrk( $pid, "http://127.0.0.1:$port/$page" );
        }
        kill 'KILL', $pid; # nginx may sleep through a TERM
        close $out;
    }
    for my $page ( reverse sort keys %pages ) {
        my $text = "HTTP, $pages{$page} bytes";
        row( "$text, requests/s (wrk)", '', rondo => $rate{$page}{rondo} );
        row( '  server CPU, us/request', '', rondo => $cpu{$page}{rondo} );
        next if !$rate{$page}{nginx};
        row( '  nginx, requests/s', '', raw => $rate{$page}{nginx} );
        row( '  nginx, us/request', '', raw => $cpu{$page}{nginx} );
    }
}

1;
