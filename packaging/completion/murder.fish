# fish completion for murder. What there is to choose from says the program itself.

function __murder_complete
    set -l current (commandline -ct)
    set -l words (commandline -opc)
    set -e words[1]
    for line in (command murder __complete $words "$current" 2>/dev/null)
        set -l parts (string split \t -- $line)
        switch $parts[1]
            case ':files'
                __fish_complete_path $parts[3] | string replace -r '^' -- $parts[2]
            case ':directories'
                __fish_complete_directories $parts[3] '' | string replace -r '^' -- $parts[2]
            case ':torrents'
                __fish_complete_path $parts[3] | string match -r '^.*(?:/|\.torrent)(?:\t.*)?$' |
                    string replace -r '^' -- $parts[2]
            case ':users'
                __fish_complete_users | string replace -r '^' -- $parts[2]
            case '*'
                echo $line
        end
    end
end

complete -c murder -f -k -a '(__murder_complete)'
