# Load.pm - servers under load: what they report, count and take.
# SPDX-License-Identifier: MIT
package Load;
use strict;
use warnings;
use Exporter 'import';
our @EXPORT_OK = qw(built cpu_time instructions programs serve stop_child system_calls
  use_programs);
use Measure qw(each_request pinned slurp);

my $patience     = 300;        # seconds for one run of a server
my $cpu_requests = 150_000;    # as a rule
my ( $programs, $child );

sub use_programs { ($programs) = @_ }
sub programs     { return $programs }
sub stop_child   { kill 'TERM', $child if $child }

# Those that were built.
sub built {
    return grep { -x "$programs/$_->[1]" } @_;
}

# Starts the server, loads it, and returns what it reported. `under` is put
# before the server's command.
sub serve {
    my (%run)   = @_;
    my ( undef, $program, $mode, $load ) = @{ $run{server} };
    $load //= 'echo_client';
    $mode = $run{mode} if $run{mode};
    my @command = ( pinned(), @{ $run{under} || [] }, "$programs/$program" );
    push @command, '--mode', $mode      if $mode;
    push @command, '--idle', $run{idle} if $run{idle};
    push @command, '--size', $run{size} if $run{size};
    local $SIG{ALRM} = sub { stop_child(); die "$program: too slow\n" };
    alarm $patience;
    $child = open my $out, '-|', @command or die "$program: $!\n";
    my $line = <$out> // '';
    if ( $line !~ /^listening on (\S+)/ ) {
        stop_child();
        die "$program: did not start\n";
    }
    my @load = ( pinned(), "$programs/$load", @{ $run{load} } );
    push @load, '--size', $run{size} if $run{size};
    push @load, $1;
    open my $client, '-|', @load or die "$load: $!\n";
    my @answers = <$client>;
    if ( !close $client ) {
        stop_child();
        die "$program: the client failed\n";
    }
    my $report = join '', <$out>;
    close $out or die "$program: failed\n";
    undef $child;
    alarm 0;
    return map { /^(\w+)=([\d.]+)$/ ? ( $1, $2 ) : () } split ' ', $report;
}

sub instructions {
    my ( $server, %more ) = @_;
    my $name = $server->[0];
    return each_request(
        @{ $more{requests} || [ 20_000, 60_000 ] },
        sub {
            my ($requests) = @_;
            my $counts = "$programs/callgrind.$name.$requests";
            unlink $counts;
            serve(
                server => $server,
                under  => [
                    'valgrind',                         '--tool=callgrind',
                    "--callgrind-out-file=$counts",     '--quiet',
                    "--log-file=$programs/valgrind.log"
                ],
                load => [ '--requests', $requests ],
                size => $more{size}
            );
            slurp($counts) =~ /^totals: (\d+)/m or die "$counts: no totals\n";
            return { all => $1 };
        }
    )->{all};
}

# Which column of the table a system call is counted in.
my %kind = (
    ( map { $_ => 'receive' } qw(read readv recvfrom recvmsg recvmmsg) ),
    ( map { $_ => 'send' } qw(write writev sendto sendmsg sendmmsg) ),
    ( map { $_ => 'wait' } qw(epoll_wait epoll_pwait epoll_pwait2) ),
    ( map { $_ => 'epoll_ctl' } qw(epoll_ctl) ),
);

sub system_calls {
    my ( $server, %more ) = @_;
    my $counts = "$programs/strace.$server->[0]";
    return each_request(
        @{ $more{requests} || [ 5_000, 25_000 ] },
        sub {
            my ($requests) = @_;
            serve(
                server => $server,
                under  => [
                    'strace', '-f', '-c', '-U', 'name,calls', '-o', $counts
                ],
                load => [ '--requests', $requests ],
                size => $more{size}
            );
            my %calls = map { $_ => 0 } values %kind, 'other';
            for ( split /\n/, slurp($counts) ) {
                next if !/^(\w+)\s+(\d+)\s*$/ || $1 eq 'total';
                $calls{ $kind{$1} // 'other' } += $2;
            }
            return \%calls;
        }
    );
}

# ns of CPU time for each request.
sub cpu_time {
    my ( $server, %more ) = @_;
    my $requests = $more{requests} // $cpu_requests;
    my %report = serve(
        server => $server,
        load   => [ '--requests', $requests ],
        size   => $more{size}
    );
    return ( $report{cpu_user_us} + $report{cpu_sys_us} ) * 1000 /
      $report{requests};
}

1;
